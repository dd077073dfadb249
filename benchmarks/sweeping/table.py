"""What sweeps took, as a table: counts as they are, times as ratios."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.sweeping.stage import Swept

HEAD = (
    "due",
    "waiting",
    "sent",
    "pages of queries",
    "reads by key",
    "writes",
    "read units",
    "write units",
    "time",
    "most memory, MB",
    "a shard's index writes, %",
    "of any 1,000 in a row, at most, %",
)
_MEGABYTE = 1024 * 1024


def row(due: str, waiting: str, sweeps: Sequence[Swept], beside: Sequence[Swept]) -> list[str]:
    """Describe sweeps of the same kind by their medians.

    Args:
        due: What was due.
        waiting: What waited.
        sweeps: They.
        beside: Those whose time is 1.
    """

    def of(value: Callable[[Swept], float], found: Sequence[Swept] = sweeps) -> float:
        return median(map(value, found))

    counts = [
        of(value)
        for value in (
            lambda each: each.sent,
            lambda each: each.queries,
            lambda each: each.reads,
            lambda each: each.writes,
            lambda each: each.read_units,
            lambda each: each.write_units,
        )
    ]
    time = of(lambda each: each.seconds) / of(lambda each: each.seconds, beside)
    last = sweeps[-1]
    shares = [100 * each / sum(last.written) for each in last.written]
    return [
        due,
        waiting,
        *(f"{each:,.0f}" for each in counts),
        f"{time:,.1f}",
        f"{max(each.peak for each in sweeps) / _MEGABYTE:.0f}",
        f"{min(shares):.1f} to {max(shares):.1f}" if shares else "",
        f"{last.hottest / 10:.1f}" if last.hottest else "",
    ]
