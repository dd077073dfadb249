"""Calls that are made at once, on each other's connections, in a thread of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from afterword.sending import sessions
from afterword.sending.attempts import Attempt
from afterword.sending.calls import NeverSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from ssl import SSLContext

    from aiohttp import ClientSession

    from afterword.sending.calls import Request, Result


class Together:
    """Calls that share connections, while the block runs.

    Args:
        at_once: The most that are in flight.
        clock: Monotonic seconds.
        watch: Makes what surrounds each request.
        trust: Returns whom TLS trusts.
    """

    def __init__(
        self,
        at_once: int,
        clock: Callable[[], float],
        watch: Callable[[], AbstractContextManager[None]],
        trust: Callable[[], SSLContext],
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._watch = watch
        self._trust = trust

    @contextmanager
    def calls(self) -> Iterator[Callable[[Sequence[Request], float], list[Result]]]:
        """Yield what makes calls until a deadline, and returns what came of each, in their order."""
        loop = asyncio.new_event_loop()
        # In a thread of its own: whoever waits for it can give up, whatever it does.
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        worker.submit(_run, loop)
        worker.shutdown(wait=False)
        session: ClientSession | None = None
        try:
            opening = sessions.open_session(self._at_once)
            session = asyncio.run_coroutine_threadsafe(opening, loop).result()

            def call(asked: Sequence[Request], deadline: float) -> list[Result]:
                return self._call_all(loop, session, asked, deadline)

            yield call
        finally:
            asyncio.run_coroutine_threadsafe(_end(session), loop)

    def _call_all(
        self,
        loop: asyncio.AbstractEventLoop,
        session: ClientSession,
        asked: Sequence[Request],
        deadline: float,
    ) -> list[Result]:
        if self._clock() >= deadline:
            return [NeverSentError("time-out") for _ in asked]
        attempts = [Attempt(each) for each in asked]
        future = asyncio.run_coroutine_threadsafe(self._make(session, attempts, deadline), loop)
        try:
            with suppress(TimeoutError):
                future.result(timeout=max(deadline - self._clock(), 0))
        finally:
            # Also if a fault of ours surfaces: the others must not go on.
            future.cancel()
            results = [each.give_up() for each in attempts]
        return results

    async def _make(
        self, session: ClientSession, attempts: Sequence[Attempt], deadline: float
    ) -> None:
        todo = iter(attempts)

        async def make() -> None:
            for each in todo:
                if self._clock() >= deadline:
                    return
                with self._watch():
                    each.result = await self._try(session, each)

        await asyncio.gather(*(make() for _ in range(self._at_once)))

    async def _try(self, session: ClientSession, attempt: Attempt) -> Result:
        try:
            return await sessions.send(session, attempt, self._trust)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it concerns one person, by what has gone out
            return attempt.fail(type(error).__name__)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        # Waits for nobody, not even for a name that takes for ever to resolve.
        loop.close()


async def _end(session: ClientSession | None) -> None:
    loop = asyncio.get_running_loop()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        for each in others:
            each.cancel()
        await asyncio.wait(others)
    if session is not None:
        await session.close()
    loop.stop()
