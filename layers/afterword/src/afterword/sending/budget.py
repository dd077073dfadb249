"""An account's requests of the last minute, kept so that no minute, wherever it begins, has more than its share.

A provider counts by its own clock. A budget that began anew with each of our minutes could fill the end of one and the
beginning of the next: to the provider they may be the same. So the ledger notes when requests were made, or will be:
`1800000000.25:1 1800000003.00:25`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil

# A call begins so many seconds after the time that is noted, at most.
LATE = 0.25
# Seconds for which a request counts.
COUNTS_FOR = 60 + LATE
# Requests of the same quarter of a second are noted together, at its end.
_GRID = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requests of one batch.

    Attributes:
        calls: How many.
        least: With how many of them it would do.
        limit: The account's requests a minute.
        lead: How many seconds ahead they may be reserved, since a claim takes some.
        lasts: How many seconds they go on, at the longest.
        in_turn: Each is made when there is room for it; else all at once.
    """

    calls: int
    least: int
    limit: int
    lead: float = 0
    lasts: float = 0
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class Reserved:
    """So many requests, from a wall time on.

    Attributes:
        begins: When the first of them may be made.
        ends: When the last of them may be made, or is over at the longest.
        calls: How many.
        spent: The account's requests, these among them.
    """

    begins: float
    ends: float
    calls: int
    spent: str


def reserve(spent: str, wanted: Wanted, now: float) -> Reserved | float:
    """Find the next time at which an account may be asked.

    Args:
        spent: The account's requests, as noted.
        wanted: What is needed.
        now: Wall time.

    Returns:
        When, and how often; or the wall time from which it is worth looking again.
    """
    # More than a minute's share goes at once, or never.
    if not wanted.in_turn or wanted.calls > wanted.limit:
        return _reserve(spent, wanted, now)
    # Of an odd number none is left over: two at once would have to wait until there is room for both.
    one = replace(wanted, calls=1, least=1)
    first = reserved = _reserve(spent, one, now)
    for _ in range(wanted.calls - 1):
        if isinstance(reserved, Reserved):
            reserved = _reserve(reserved.spent, one, now)
    if isinstance(first, Reserved) and isinstance(reserved, Reserved):
        return replace(reserved, begins=first.begins, calls=wanted.calls)
    return reserved


def _reserve(spent: str, wanted: Wanted, now: float) -> Reserved | float:
    begins = _earliest(spent, wanted, now)
    if begins > now + wanted.lead:
        return begins - wanted.lead
    room = wanted.limit - _count(spent, begins)
    calls = min(wanted.calls, max(room, wanted.least))
    ends = begins + wanted.lasts
    return Reserved(begins, ends, calls, note(spent, calls, ends, now))


def note(spent: str, calls: int, at: float, now: float) -> str:
    """Note requests, and forget those that don't count any more. Fewer than 0 are taken back.

    Args:
        spent: The account's requests, as noted.
        calls: How many.
        at: When the last of them is made (wall time).
        now: Wall time.
    """
    noted = Counter(_read(spent, now))
    noted[stamp(at)] += calls
    return " ".join(f"{each:.2f}:{number}" for each, number in sorted((+noted).items()))


def used(spent: str, now: float) -> int:
    """Return how many requests count now: those of the last minute, and those that are reserved."""
    return _count(spent, now)


def stamp(at: float) -> float:
    """Return under which time requests are noted."""
    return ceil(at * _GRID) / _GRID


def _earliest(spent: str, wanted: Wanted, now: float) -> float:
    """Return from when there is room. More than a minute's share goes alone, or never."""
    most = max(0, wanted.limit - wanted.least)
    later = sorted(at + COUNTS_FOR for at in _read(spent, now))
    return next(at for at in (now, *later) if _count(spent, at) <= most)


def _count(spent: str, at: float) -> int:
    """Count the requests of the minute before. Those that are noted for later count, too."""
    return sum(_read(spent, at).values())


def _read(spent: str, now: float) -> dict[float, int]:
    entries = (entry.split(":") for entry in spent.split())
    noted = {float(at): int(calls) for at, calls in entries}
    return {at: calls for at, calls in noted.items() if at > now - COUNTS_FOR}
