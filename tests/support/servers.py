"""A real HTTP server on loopback that answers as told, well or badly, and records what came."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# How long a server waits between two bytes that trickle.
_TRICKLE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Received:
    """A request; its headers' names are lower case. `path` is without the query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Exchange:
    """A request, and the ways in which a server may treat whoever made it. `kept`: the connection stays open."""

    request: Received
    connection: socket.socket
    released: Event
    kept: bool = False

    def write(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.sendall(piece)

    def write_head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{key}: {headers[key]}" for key in headers)]
        self.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))

    def reset(self) -> None:
        """Make the coming close a TCP reset (RST), not an orderly end."""
        linger_for_nothing = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)

    def trickle(self, piece: bytes) -> None:
        """Send the piece over and over until the test is done, or the client gone."""
        with suppress(OSError):
            while not self.released.wait(_TRICKLE_SECONDS):
                self.write(piece)


type Answer = Callable[[Exchange], None]


def reply(status: int, body: object = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Answer in good order: bytes as they are, anything else as JSON."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    plain = {"Content-Type": "application/json", "Content-Length": str(len(payload))}

    def answer(exchange: Exchange) -> None:
        exchange.write_head(status, plain | dict(headers or {}))
        # A client may have read enough.
        with suppress(OSError):
            exchange.write(payload)

    return answer


def kept(body: object, headers: Mapping[str, str]) -> Answer:
    """Answer 200 with JSON, and leave the connection open."""
    payload = json.dumps(body).encode()
    known = {"Content-Length": str(len(payload)), **headers}

    def answer(exchange: Exchange) -> None:
        exchange.kept = True
        head = "".join(f"{name}: {known[name]}\r\n" for name in known)
        exchange.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + payload)

    return answer


def raw(*pieces: bytes) -> Answer:
    """Answer with these bytes, whatever they are, and close."""
    return lambda exchange: exchange.write(*pieces)


def truncated(status: int, body: bytes) -> Answer:
    """Promise ten bytes more than are sent."""
    return reply(status, body, {"Content-Length": str(len(body) + 10)})


def close(_: Exchange) -> None:
    """Close without an answer."""


def reset(exchange: Exchange) -> None:
    """Reset the connection after the request was read."""
    exchange.reset()


def silence(exchange: Exchange) -> None:
    """Say nothing until the test is done."""
    exchange.released.wait()


def trickling_headers(exchange: Exchange) -> None:
    """Begin to answer, and never come to the end of the headers."""
    exchange.write(b"HTTP/1.1 201 Created\r\nX-Slow: ")
    exchange.trickle(b"a")


def trickling_body(status: int) -> Answer:
    """Answer with a body that never ends, a byte at a time."""

    def answer(exchange: Exchange) -> None:
        exchange.write_head(status, {"Content-Length": "1000000"})
        exchange.trickle(b" ")

    return answer


def stalled_body(status: int) -> Answer:
    """Answer with the head alone and let the client wait for the body."""

    def answer(exchange: Exchange) -> None:
        exchange.write_head(status, {"Content-Length": "1000000"})
        exchange.released.wait()

    return answer


@dataclass
class Server:
    """Gives the next of `answers`, in the end again and again `otherwise`.

    A way to treat whoever connects before anything was asked is `at_once`: it gets no request. `reached` is set once
    somebody has connected, or else has asked.
    """

    answers: deque[Answer] = field(default_factory=deque)
    otherwise: Answer = field(default_factory=lambda: reply(500))
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    reached: Event = field(default_factory=Event)
    at_once: Callable[[socket.socket], None] | None = None
    released: Event = field(default_factory=Event)
    url: str = ""

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def answer(self, request: Received, connection: socket.socket) -> bool:
        """Answer; return whether the connection stays open."""
        self.received.append(request)
        self.reached.set()
        answer = self.answers.popleft() if self.answers else self.otherwise
        exchange = Exchange(request, connection, self.released)
        answer(exchange)
        return exchange.kept


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            server.connections += 1
            if server.at_once:
                server.reached.set()
                server.at_once(self.connection)
            else:
                super().handle()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, path, query, headers, body)
            self.close_connection = not server.answer(request, self.connection)
            if not self.close_connection:
                return
            # Else the connection would be shut down in good order first, and no reset seen.
            self.rfile.close()
            self.connection.close()

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 -- the base class asks for these names.

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class _ThreadingServer(ThreadingHTTPServer):
    # A server that is closed has ended its threads: none outlives its test.
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away, or refuses the handshake, is what tests are after."""


@contextmanager
def serving(certificate: Path | None = None, **settings: Any) -> Iterator[Server]:
    """Run a server.

    Args:
        certificate: PEM file with certificate and key; with it, the server speaks TLS.
        settings: Fields of `Server`.
    """
    server = Server(**settings)
    with _ThreadingServer(("127.0.0.1", 0), _handler(server)) as listener:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
        server.url = f"http{'s' if certificate else ''}://127.0.0.1:{listener.server_port}"
        # Polled this often for the end.
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            listener.shutdown()
            thread.join()


@contextmanager
def refusing_port() -> Iterator[int]:
    """Reserve a port on which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]
