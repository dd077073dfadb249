"""Virtual time: invocations overlap, one of them runs at a time, and time passes where somebody spends it."""

from __future__ import annotations

import threading
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class TimedOutError(BaseException):
    """The platform ends an invocation whose time is over; no handler of ours sees it."""


class World:
    """Time, and whoever waits for it.

    An invocation is a thread, but only one runs at a time: what happens is the same at each run.

    Args:
        start: Unix seconds.
    """

    def __init__(self, start: int) -> None:
        self.now = float(start)
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._baton = threading.Semaphore(0)
        self._mine = threading.local()
        self._errors: list[BaseException] = []

    def __call__(self) -> int:
        """Return the time as our own clock tells it: whole seconds."""
        return int(self.now)

    def fine(self) -> float:
        return self.now

    def at(self, when: float, do: Callable[[], Any], lasts: float = float("inf")) -> None:
        """Let something happen then; after so many seconds it is killed."""

        def start() -> None:
            threading.Thread(target=self._live, args=(do, when + lasts), daemon=True).start()

        self._wake(when, start)

    def run(self, until: float) -> None:
        """Let everything happen up to then."""
        while self._waiting and self._waiting[0][0] <= until:
            when, _, wake = heappop(self._waiting)
            self.now = max(self.now, when)
            wake()
            self._baton.acquire()
            if self._errors:
                raise self._errors[0]
        self.now = max(self.now, until)

    def spend(self, seconds: float) -> None:
        """Let time pass for whoever calls; meanwhile the others act."""
        wake = self.now + max(seconds, 0)
        if wake > self._mine.deadline:
            self._sleep(self._mine.deadline)
            raise TimedOutError
        self._sleep(wake)

    def wait_until(self, when: float) -> None:
        self.spend(when - self.now)

    def _sleep(self, wake: float) -> None:
        if self._waiting and self._waiting[0][0] <= wake:
            turn = threading.Semaphore(0)
            self._wake(wake, turn.release)
            self._baton.release()
            turn.acquire()
        self.now = max(self.now, wake)

    def _wake(self, when: float, how: Callable[[], None]) -> None:
        heappush(self._waiting, (when, next(self._order), how))

    def _live(self, do: Callable[[], Any], deadline: float) -> None:
        self._mine.deadline = deadline
        try:
            do()
        except TimedOutError:
            pass
        except BaseException as error:  # noqa: BLE001 -- told by whoever runs the world
            self._errors.append(error)
        finally:
            self._baton.release()
