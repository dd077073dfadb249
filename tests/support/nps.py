"""An NPS account whose calls really go out, to a server on loopback."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from afterword.sending.http import Http
from afterword.sending.nps import NpsProvider
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

SECONDS = 20


def signed_in(fresh: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
    """Sign in with what the cache has, or past it with what it has been rotated to."""
    return {"Authorization": "Bearer " + ("rotated" if fresh else "cached")}


def nps(
    base_url: str,
    authenticate: Callable[[bool], Mapping[str, str]] = signed_in,
    clock: Callable[[], float] = time.monotonic,
    *,
    replays_key: bool = True,
    wall: Callable[[], int] = lambda: NOW,
) -> NpsProvider:
    return NpsProvider(
        base_url,
        Http(SECONDS, authenticate, clock),
        calls_per_minute=200,
        replays_key=replays_key,
        clock=wall,
    )


@dataclass
class Stopwatch:
    """Monotonic seconds, set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


# A call asks when it begins, when its request begins, and when it begins to wait.
_LOOKS_OF_A_CALL = 3


class EachRequestTakes:
    """Monotonic seconds that move on with each request of a call.

    Counted by looks at the clock: a server that moved it could do so before its client began to wait.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._looks = count(1)

    def __call__(self) -> float:
        requests = (next(self._looks) - _LOOKS_OF_A_CALL + 1) // 2
        return float(self._seconds * max(0, requests))


class OverOnce:
    """Monotonic seconds that stand still while a call begins; its time is over once something has happened.

    Whoever waits for the call asks how much time is left, and gets the answer when it has happened.
    """

    def __init__(self, happened: Event) -> None:
        self._happened = happened
        self._looks = count(1)

    def __call__(self) -> float:
        if threading.current_thread() is not threading.main_thread():
            # A worker who looks whether there is still time to begin.
            return 0.0
        if next(self._looks) < _LOOKS_OF_A_CALL:
            return 0.0
        assert self._happened.wait(60)
        return SECONDS
