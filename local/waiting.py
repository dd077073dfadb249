"""Waiting for something that happens elsewhere: looking again until a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(
    look: Callable[[], bool],
    *,
    seconds: float,
    every: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Look until it is so, or until the deadline.

    Args:
        look: Says whether it is so.
        seconds: How long to go on looking; it is looked at least once.
        every: Seconds between two looks.
        clock: Seconds, ever growing.
        pause: Waits that many seconds.

    Returns:
        Whether it came to be so.
    """
    deadline = clock() + seconds
    while not look():
        if clock() >= deadline:
            return False
        pause(every)
    return True
