"""Where a function's CPU time goes: by package, and by function."""

from __future__ import annotations

import pstats
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.compare.table import number

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEWEST = 0.005
_FUNCTIONS = 40
# In Lambda's runtime, and in a layer.
_PACKAGES_BELOW = ("site-packages", "python")

# File, line, name; calls, calls that did not recur, own time, time with what it called, callers.
type Stats = Mapping[tuple[str, int, str], tuple[int, int, float, float, object]]


def package(file: str) -> str:
    """Return whose code a file is.

    Args:
        file: Its path; `~` for what is written in C.
    """
    parts = Path(file).parts
    if file == "~":
        return "in C: JSON, sockets, hashes, …"
    for folder in _PACKAGES_BELOW:
        if folder in parts[:-1]:
            # The last of them: a checkout may lie anywhere.
            found = parts[len(parts) - parts[::-1].index(folder) :]
            name = found[0].removesuffix(".py")
            # Of ours the room, too.
            rooms = name == "afterword" and len(found) > 1
            return f"afterword/{found[1]}" if rooms else name
    return "Python itself"


def shares(stats: Stats) -> list[tuple[str, float]]:
    """Return each package's share of all CPU time, the largest first.

    Args:
        stats: As `pstats.Stats` has them.
    """
    own: Counter[str] = Counter()
    for (file, _, _), (_, _, seconds, _, _) in stats.items():
        own[package(file)] += seconds  # type: ignore[assignment]  # typeshed wants whole numbers
    total = sum(own.values())
    return [(name, seconds / total) for name, seconds in own.most_common()]


def table(stats: Stats) -> Table:
    """Return the shares as a table; leave out what is next to nothing."""
    found = Table("package", "share of the CPU, %", title="where the CPU time goes")
    for name, share in shares(stats):
        if share >= _FEWEST:
            found.add_row(name, number(100 * share))
    return found


def show_functions(file: Path) -> Table:
    """Print the functions that took most by themselves and with what they called; return the packages' table."""
    stats = pstats.Stats(str(file))
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(_FUNCTIONS)
    return table(stats.stats)  # type: ignore[attr-defined]  # typeshed leaves it out
