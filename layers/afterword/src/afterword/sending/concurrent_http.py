"""HTTP calls that are made at once, on each other's connections; and whether a failed one may have been processed.

aiohttp takes a quarter of the CPU that requests takes for a call (docs/performance.md), and long to load: only whoever
makes such calls imports this.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from afterword.sending.attempts import Attempt
from afterword.sending.calls import CONNECT_SECONDS, Answer, NeverSentError, trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from ssl import SSLContext
    from types import SimpleNamespace

    from aiohttp.connector import Connection

    from afterword.sending.calls import Request, Result

# Of each answer: there may be hundreds.
MOST_BYTES = 100_000
# Less than servers keep an idle connection for: some close it after five.
_IDLE_SECONDS = 2
# Some servers promise only what they were asked for. Nothing large is to come, and aiohttp would ask for compression.
_HEADERS = {"Connection": "keep-alive", "Accept-Encoding": "identity"}


class ConcurrentHttp:
    """Makes HTTP calls of bounded length, several at once; none is repeated, and no redirect is followed.

    No error here repeats the URL, a header or a body, nor does any exception chained to it.

    Args:
        seconds: The longest that calls which are made together take, all in all.
        clock: Monotonic seconds.
        watch: Makes what surrounds each request, to see how long it takes.
    """

    def __init__(
        self,
        seconds: int,
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._watch = watch
        # They tell of what they could not make sense of.
        for name in ("aiohttp", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def deadline(self) -> float:
        """Return when calls that begin now have to end, by this object's clock."""
        return self._clock() + self.seconds

    @contextmanager
    def together(
        self, at_once: int
    ) -> Iterator[Callable[[Sequence[Request], float], list[Result]]]:
        """Make calls that share connections.

        No connection outlives them: one that was kept may die while the function is frozen, and what is sent on it
        would be in doubt.

        Args:
            at_once: The most that are in flight.

        Yields:
            What makes calls until a deadline, as `deadline()` returned it, and returns what came of each, in their
            order.
        """
        loop = asyncio.new_event_loop()
        # In a thread of its own: whoever waits for it can give up, whatever it does.
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        worker.submit(_run, loop)
        worker.shutdown(wait=False)
        session = None
        try:
            session = asyncio.run_coroutine_threadsafe(_open(at_once), loop).result()
            yield partial(self._call_all, loop, session, at_once)
        finally:
            asyncio.run_coroutine_threadsafe(_end(session), loop)

    def _call_all(
        self,
        loop: asyncio.AbstractEventLoop,
        session: aiohttp.ClientSession,
        at_once: int,
        asked: Sequence[Request],
        deadline: float,
    ) -> list[Result]:
        if self._clock() >= deadline:
            return [NeverSentError("time-out") for _ in asked]
        attempts = [Attempt(each) for each in asked]
        calls = self._make_all(session, at_once, attempts, deadline)
        future = asyncio.run_coroutine_threadsafe(calls, loop)
        try:
            with suppress(TimeoutError):
                future.result(timeout=max(deadline - self._clock(), 0))
        finally:
            # Also if a fault of ours surfaces: the others must not go on.
            future.cancel()
            results = [each.give_up() for each in attempts]
        return results

    async def _make_all(
        self,
        session: aiohttp.ClientSession,
        at_once: int,
        attempts: Sequence[Attempt],
        deadline: float,
    ) -> None:
        todo = iter(attempts)

        async def make() -> None:
            for each in todo:
                if self._clock() >= deadline:
                    return
                with self._watch():
                    each.result = await self._try(session, each)

        await asyncio.gather(*(make() for _ in range(at_once)))

    async def _try(self, session: aiohttp.ClientSession, attempt: Attempt) -> Result:
        try:
            return await self._send(session, attempt)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it concerns one person, by what has gone out
            return attempt.fail(type(error).__name__)

    async def _send(self, session: aiohttp.ClientSession, attempt: Attempt) -> Answer:
        asked = attempt.request
        # As it is: a secret's own percent signs and slashes are encoded already.
        url = URL(asked.url, encoded=True)
        async with session.request(
            asked.method,
            url,
            headers={**_HEADERS, **asked.headers},
            data=asked.body,
            allow_redirects=False,
            ssl=self._trust if url.scheme == "https" else True,
            trace_request_ctx=attempt,
        ) as response:
            attempt.head = Answer(response.status, response.headers, b"")
            return replace(attempt.head, body=await _read(response))

    @cached_property
    def _trust(self) -> SSLContext:
        return trust()


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


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        # Waits for nobody, not even for a name that takes for ever to resolve.
        loop.close()


async def _open(connections: int) -> aiohttp.ClientSession:
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


async def _end(session: aiohttp.ClientSession | None) -> None:
    loop = asyncio.get_running_loop()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        for each in others:
            each.cancel()
        await asyncio.wait(others)
    if session is not None:
        await session.close()
    loop.stop()


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
