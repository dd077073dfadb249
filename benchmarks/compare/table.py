"""The tables: a row for each configuration, beside its peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.compare.measuring import Round, Rounds, per_thousand, ratio, spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.compare.subjects import Subject

SPEED = (
    "configuration",
    "batch",
    "events/s",
    "to usual (least to most)",
    "the same, stand-ins at no cost",
    "CPU an event, ms",
    "usual's CPU to it",
)
COSTS = (
    "for 1,000 events",
    "provider calls",
    "DynamoDB calls",
    "write units",
    "read units",
    "scheduler calls",
    "longest invocation, s",
    "most memory, MB",
)
_MEGABYTE = 1024 * 1024

type Subjects = Mapping[str, Subject]


def rate(each: Round) -> float:
    """Return the events a second."""
    return each.rate


def rate_alone(each: Round) -> float:
    """Return the events a second as if stand-ins cost nothing."""
    return each.rate_alone


def thrift(each: Round) -> float:
    """Return how many events a millisecond of CPU is enough for."""
    return 1 / each.cpu_each


def database_calls(each: Round) -> int:
    """Return the calls to DynamoDB."""
    return each.database.total()


def scheduler_calls(each: Round) -> int:
    """Return the calls to EventBridge Scheduler."""
    return each.others["Scheduler CreateSchedule"]


def speed_rows(measured: Rounds, subjects: Subjects) -> list[list[str]]:
    """Return the rows of `SPEED`.

    Args:
        measured: What was measured, by configuration; everybody's peer is among them.
        subjects: The configurations, by name.
    """
    return [
        _speed_row(subjects[name], each, measured[subjects[name].peer])
        for name, each in measured.items()
    ]


def _speed_row(subject: Subject, rounds: Sequence[Round], peer: Sequence[Round]) -> list[str]:
    beside = ratio(rounds, peer, rate)
    return [
        subject.name,
        f"{subject.batch:,}",
        number(spread(rounds, rate).median),
        f"{number(beside.median)} ({number(beside.least)} to {number(beside.most)})",
        number(ratio(rounds, peer, rate_alone).median),
        f"{spread(rounds, lambda each: each.cpu_each).median:.2f}",
        number(ratio(rounds, peer, thrift).median),
    ]


def cost_rows(measured: Rounds) -> list[list[str]]:
    """Return the rows of `COSTS`.

    Args:
        measured: What was measured, by configuration.
    """
    return [_cost_row(name, each) for name, each in measured.items()]


def _cost_row(name: str, rounds: Sequence[Round]) -> list[str]:
    counted = (
        lambda each: each.provider,
        database_calls,
        lambda each: each.write_units,
        lambda each: each.read_units,
        scheduler_calls,
    )
    return [
        name,
        *(number(per_thousand(rounds, each)) for each in counted),
        f"{spread(rounds, lambda each: each.longest).median:.2f}",
        f"{max(each.peak for each in rounds) / _MEGABYTE:.0f}",
    ]


def number(value: float) -> str:
    """Write a number with two digits at least, and none that mean nothing."""
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    digits = 1 if value >= 10 else 2  # noqa: PLR2004
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
