"""aiohttp's sessions, as calls that count need them: nothing goes out twice, or over a connection in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from afterword.sending.calls import CONNECT_SECONDS, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ssl import SSLContext
    from types import SimpleNamespace

    from aiohttp.connector import Connection

    from afterword.sending.attempts import Attempt

# Some servers promise only what they were asked for. Nothing large is to come, and aiohttp would ask for compression.
_HEADERS = {"Connection": "keep-alive", "Accept-Encoding": "identity"}
# Of each answer: there may be hundreds.
MOST_BYTES = 100_000
# Less than servers keep an idle connection for: some close it after five.
_IDLE_SECONDS = 2


async def open_session(connections: int) -> aiohttp.ClientSession:
    """Return a session with so many connections at most: no cookies, no proxies."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_begin)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=_IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        trace_configs=[trace],
        middlewares=[_never_again],
        request_class=_Request,
        response_class=_Response,
    )


async def send(
    session: aiohttp.ClientSession, attempt: Attempt, trust: Callable[[], SSLContext]
) -> Answer:
    """Make a call. No redirect is followed.

    Args:
        session: As `open_session` made it.
        attempt: Is told of what goes out and what comes back.
        trust: Returns whom TLS trusts.

    Raises:
        Exception: Whatever aiohttp and sockets raise.
    """
    asked = attempt.request
    # As it is: a secret's own percent signs and slashes are encoded already.
    url = URL(asked.url, encoded=True)
    async with session.request(
        asked.method,
        url,
        headers={**_HEADERS, **asked.headers},
        data=asked.body,
        allow_redirects=False,
        ssl=trust() if url.scheme == "https" else True,
        trace_request_ctx=attempt,
    ) as response:
        attempt.head = Answer(response.status, response.headers, b"")
        return replace(attempt.head, body=await _read(response))


class _Response(aiohttp.ClientResponse):
    """Its connection serves again only where the server has said so.

    By HTTP/1.1 a server may keep a connection without a word. Yet some close theirs without one, and what is sent
    meanwhile would be in doubt.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        await super().start(connection)
        if protocol is not None and not _is_promised(self.headers):
            protocol.force_close()
            # A body that came with the head has handed it back already.
            if self.connection is None:
                protocol.close()
        return self

    # By TLS a connection that is given up would wait for the server's goodbye, and outlive its loop.

    def close(self) -> None:
        self._abort()
        super().close()

    def release(self) -> Any:  # noqa: ANN401 -- aiohttp's signature
        if not self.content.at_eof():
            self._abort()
        return super().release()

    def _abort(self) -> None:
        if self.connection is not None and self.connection.transport is not None:
            self.connection.transport.abort()


class _Request(aiohttp.ClientRequest):
    """It never goes out where the server has spoken unasked: what was said would pass for its answer."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if conn.protocol is None or conn.protocol.should_close:
            raise aiohttp.ClientConnectionError
        return await super().send(conn)


def _is_promised(headers: Mapping[str, str]) -> bool:
    said = headers.get("Connection", "").lower().split(",")
    return "keep-alive" in [each.strip() for each in said]


async def _begin(
    _: aiohttp.ClientSession,
    context: SimpleNamespace,
    __: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # aiohttp says so right before it writes.
    attempt: Attempt = context.trace_request_ctx
    if attempt.begun:
        raise aiohttp.ClientConnectionError
    attempt.begin()


async def _never_again(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET once more after these errors, as it does if a kept connection breaks."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise aiohttp.ClientConnectionError from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    received = b""
    try:
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > MOST_BYTES:
                break
    except (aiohttp.ClientError, OSError):
        return b""  # A body that is cut off: as in `Attempt.give_up`.
    return received[:MOST_BYTES]
