"""What no count of invitations shows: calls, secrets, breakers, campaigns. Noted on the way, told at the end."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# No space, no "@", and no "%", behind which both may hide.
_PLAIN = re.compile(r"[A-Za-z0-9._:#/+=~-]{1,200}")


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a metric, and by what it is told apart: a value for each dimension."""

    metric: str
    value: float
    about: Mapping[str, str]


@dataclass(slots=True)
class Notes:
    """What one instance of a function has noted and not yet told. Threads may note at the same time.

    A call that was given up may end, and be noted, after its invocation: the next one tells of it.

    Attributes:
        known: The campaigns and accounts that there are, for dimensions of the same names.
    """

    known: dict[str, Collection[str]] = field(default_factory=dict)
    _measured: deque[Measured] = field(default_factory=deque)
    _became: deque[tuple[str, Counter[str]]] = field(default_factory=deque)
    _arrived: deque[Mapping[str, str | None]] = field(default_factory=deque)

    def measure(self, metric: str, value: float = 1, **about: str) -> None:
        """Note a value of a metric of docs/metrics.md."""
        self._measured.append(Measured(metric, value, about))

    def became(self, campaign: str, counts: Counter[str]) -> None:
        """Note how many of a campaign's invitations became what."""
        self._became.append((campaign, counts))

    def arrived(self, **ids: str | None) -> None:
        """Note under which ids an event came in."""
        self._arrived.append({name: each and shown(each) for name, each in ids.items()})

    def take_measured(self) -> list[Measured]:
        """Return what was measured, once."""
        return list(_drained(self._measured))

    def take_became(self) -> dict[str, Counter[str]]:
        """Return what became of each campaign's invitations, once."""
        sums: dict[str, Counter[str]] = {}
        for campaign, counts in _drained(self._became):
            sums.setdefault(campaign, Counter()).update(counts)
        return sums

    def take_arrived(self) -> list[Mapping[str, str | None]]:
        """Return under which ids events came in, once."""
        return list(_drained(self._arrived))


def shown(identifier: str) -> str:
    """Return an id as logs may show it: a shop may take addresses or names for ids, and nobody may read them there."""
    if _PLAIN.fullmatch(identifier):
        return identifier
    return f"sha256:{sha256(identifier.encode()).hexdigest()[:16]}"


def _drained[Each](noted: deque[Each]) -> Iterator[Each]:
    while noted:
        yield noted.popleft()
