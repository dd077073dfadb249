"""What was to be reached, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.compare import subjects
from benchmarks.compare.measuring import per_thousand, ratio
from benchmarks.compare.table import database_calls, number, rate, scheduler_calls, thrift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.compare.measuring import Round, Rounds

HEAD = ("figure", "measured", "goal", "aim", "reached")
# What is counted differs a little with the first batch of a round; what is measured does so in any case.
_TOLERANCE = 1.005


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it should be.

    Attributes:
        figure: What it says.
        measured: What it came to.
        least: What it must be.
        aim: What would be better.
        larger: Whether more is better.
    """

    figure: str
    measured: float
    least: float
    aim: float
    larger: bool = True

    @property
    def reached(self) -> str:
        """Say whether it is."""
        for wanted, word in ((self.aim, "the aim"), (self.least, "yes")):
            if self._is_good_for(wanted):
                return word
        return "no"

    def _is_good_for(self, wanted: float) -> bool:
        if self.larger:
            return self.measured * _TOLERANCE >= wanted
        return self.measured <= wanted * _TOLERANCE

    def row(self) -> list[str]:
        """Return its row, as `HEAD` has it."""
        sign = "≥ " if self.larger else "≤ "
        known = [number(each) for each in (self.measured, self.least, self.aim)]
        return [self.figure, known[0], sign + known[1], sign + known[2], self.reached]


def goals(measured: Rounds) -> list[Goal]:
    """Return all goals that this benchmark can tell of.

    Args:
        measured: What was measured, of all configurations.
    """
    return [*_speeds(measured), *_counts(measured), *_units(measured)]


def _speeds(measured: Rounds) -> Iterator[Goal]:
    def beside(name: str, peer: str, figure: Callable[[Round], float]) -> float:
        return ratio(measured[name], measured[peer], figure).median

    usual, usual_50 = subjects.REFERENCE, subjects.USUAL_50
    yield Goal(
        "events/s to usual: bulk, batches of 1,000", beside(subjects.BULK, usual, rate), 15, 40
    )
    fast = beside(subjects.BULK_50, usual_50, rate)
    yield Goal("the same, the provider takes 50 ms", fast, 150, 300)
    spared = beside(subjects.BULK, usual, thrift)
    yield Goal("usual's CPU for an event to ours, bulk", spared, 15, 40)
    yield Goal(
        "events/s to usual: a call per recipient", beside(subjects.PANEL, usual, rate), 4, 10
    )
    fast = beside(subjects.PANEL_50, usual_50, rate)
    yield Goal("the same, the provider takes 50 ms", fast, 30, 80)


def _counts(measured: Rounds) -> Iterator[Goal]:
    calls = per_thousand(measured[subjects.BULK], lambda each: each.provider)
    yield Goal("provider calls for 1,000 events, batches of 1,000", calls, 1, 1, larger=False)
    calls = per_thousand(measured[subjects.LATER], lambda each: each.provider)
    yield Goal("the same, gathered by the sweep", calls, 1, 0.1, larger=False)
    calls = per_thousand(measured[subjects.BULK], database_calls)
    yield Goal("DynamoDB calls for 1,000 events", calls, 60, 40, larger=False)
    calls = per_thousand(measured[subjects.LATER], scheduler_calls)
    yield Goal("a follow-up's scheduler calls", calls, 0, 0, larger=False)


def _units(measured: Rounds) -> Iterator[Goal]:
    def units(name: str) -> float:
        return per_thousand(measured[name], lambda each: each.write_units) / 1000

    uncapped = units(subjects.BULK)
    yield Goal("write units of an event, uncapped", uncapped, 3.1, 2.1, larger=False)
    yield Goal("write units of an event, capped", units(subjects.CAPPED), 5.1, 3.1, larger=False)
    more = units(subjects.LATER) - uncapped
    yield Goal("a follow-up's further write units", more, 6, 4, larger=False)
