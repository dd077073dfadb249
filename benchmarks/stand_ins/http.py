"""The least of an HTTP server on loopback: so little work that what is measured beside it is ours."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import httptools
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """A request; its headers' names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: Its status.
        body: JSON, but for what is broken on purpose.
        headers: Besides type and length.
        seconds: How long it takes to come.
        instead: What comes in its place: a connection that is reset, or nothing at all.
    """

    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    instead: str | None = None


type Handle = Callable[[Request], Response]


class _Connection(asyncio.Protocol):
    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._transport: asyncio.Transport | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's have all that these have, but are not derived from them.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        # What it raises ends the connection, and is shown.
        self._parser.feed_data(data)

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        keeps = self._parser.should_keep_alive()
        request = Request(method, self._target.decode(), self._headers, b"".join(self._body))
        self._target, self._headers, self._body = b"", {}, []
        response = self._handle(request)
        if response.seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(response.seconds, self._respond, response, keeps)
        else:
            self._respond(response, keeps)

    def _respond(self, response: Response, keeps: bool) -> None:  # noqa: FBT001 -- call_later takes no names
        transport = self._transport
        if transport is None or response.instead == "silence":
            return
        if response.instead == "reset":
            # Lingers for nothing: the other side sees a reset, not an orderly end.
            raw: socket.socket = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            return
        lines = [f"HTTP/1.1 {response.status} -", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if "Content-Length" not in response.headers:
            lines.append(f"Content-Length: {len(response.body)}")
        whole = keeps and response.instead is None
        # As most servers do: HTTP/1.1 would let them keep it without a word.
        lines.append(f"Connection: {'keep-alive' if whole else 'close'}")
        transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + response.body)
        if not whole:
            transport.close()


async def _serve(handle: Handle, port: int) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    # Nobody is left behind: this process ends with the one that holds the other end of its input.
    loop.add_reader(sys.stdin.fileno(), over.set)
    server = await loop.create_server(lambda: _Connection(handle), _HOST, port)
    address = server.sockets[0].getsockname()
    print(f"http://{_HOST}:{address[1]}", flush=True)  # noqa: T201 -- whoever started this reads it
    async with server:
        await over.wait()


def serve(handle: Handle, port: int = 0) -> None:
    """Serve until standard input ends; print the address first.

    Args:
        handle: Answers one request. While it does, no other is.
        port: 0: a free one.
    """
    uvloop.run(_serve(handle, port))
