"""The picture: events a second and CPU an event, each with its spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.compare.measuring import Spread, spread
from benchmarks.compare.table import number, rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.compare.measuring import Rounds
    from benchmarks.compare.table import Subjects

_USUAL, _OURS = "#9aa0a6", "#1a73e8"
# Beside the shortest and the longest bar.
_ROOM, _ROOM_FOR_NUMBERS = 2.0, 3.5


def draw(measured: Rounds, subjects: Subjects, file: Path) -> None:
    """Draw what was measured.

    Args:
        measured: By configuration.
        subjects: The configurations, by name.
        file: Where the SVG goes.
    """
    colours = [_USUAL if subjects[each].kind.startswith("usual") else _OURS for each in measured]
    speeds = {name: spread(each, rate) for name, each in measured.items()}
    costs = {name: spread(each, lambda one: one.cpu_each) for name, each in measured.items()}
    # Text stays text, and nothing in the file changes that was not measured anew.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "afterword", "font.size": 9}):
        figure = Figure(figsize=(10, 0.32 * len(measured) + 1), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _bars(left, speeds, colours, "events a second (more is better)")
        _bars(right, costs, colours, "CPU an event, ms (less is better)")
        left.invert_yaxis()
        figure.savefig(file, format="svg", metadata={"Date": None})
    # It ends lines with blanks, which no other file here has.
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"{each.rstrip()}\n" for each in lines), encoding="utf-8")


def _bars(axes: Axes, spreads: Mapping[str, Spread], colours: Sequence[str], title: str) -> None:
    found = list(spreads.values())
    medians = [each.median for each in found]
    below = [each.median - each.least for each in found]
    above = [each.most - each.median for each in found]
    bars = axes.barh(list(spreads), medians, xerr=[below, above], color=colours, ecolor="#3c4043")
    axes.bar_label(bars, [number(each) for each in medians], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(
        min(each.least for each in found) / _ROOM,
        max(each.most for each in found) * _ROOM_FOR_NUMBERS,
    )
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(y=0.01)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
