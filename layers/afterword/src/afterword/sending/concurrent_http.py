"""HTTP calls that are made at once, on each other's connections; and whether a failed one may have been processed.

aiohttp takes a quarter of the CPU that requests takes for a call (docs/performance.md), and 0.2 s to load, so it is
loaded with the first one.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from afterword.sending.calls import trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from ssl import SSLContext

    from afterword.sending.calls import Request, Result


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
        from afterword.sending.together import Together  # noqa: PLC0415

        together = Together(at_once, self._clock, self._watch, lambda: self._trust)
        with together.calls() as call:
            yield call

    @cached_property
    def _trust(self) -> SSLContext:
        return trust()
