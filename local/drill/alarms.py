"""Evaluates alarms from their own definitions, as CloudWatch does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from local.drill.expressions import evaluate
from local.drill.series import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.drill.series import Series

# CloudWatch looks further back than the evaluation periods, to make up for missing data. Its examples show two more.
_FURTHER_BACK = 2
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_TERM = re.compile(r"""(NOT )?ALARM\("([\w-]+)"\)""")


class State(StrEnum):
    """What CloudWatch says of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class RuleError(Exception):
    """A composite alarm's rule goes beyond what is known here."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A metric alarm as a template defines it, with nothing left to resolve."""

    definition: Mapping[str, Any]

    def state(self, series: Series, now: int, before: State) -> State:
        """Return the state at `now` (Unix seconds, the end of the newest period), after the state before."""
        count = int(self.definition["EvaluationPeriods"])
        points = [
            self._breaches(series, now - ago * self._period) for ago in range(count + _FURTHER_BACK)
        ]
        needed = int(self.definition.get("DatapointsToAlarm", count))
        return judge(
            points, count, needed, self.definition.get("TreatMissingData", "missing"), before
        )

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that it looks at."""
        found = [self.definition, *(each["MetricStat"]["Metric"] for each in self._measured)]
        return [Metric.of(each) for each in found if "MetricName" in each]

    @property
    def _measured(self) -> list[Mapping[str, Any]]:
        return [each for each in self.definition.get("Metrics", ()) if "MetricStat" in each]

    @property
    def _period(self) -> int:
        periods = {int(each["MetricStat"]["Period"]) for each in self._measured}
        (period,) = periods or {int(self.definition["Period"])}
        return period

    def _breaches(self, series: Series, until: int) -> bool | None:
        value = self._value(series, until)
        if value is None:
            return None
        compare = _COMPARISONS[self.definition["ComparisonOperator"]]
        return compare(value, float(self.definition["Threshold"]))

    def _value(self, series: Series, until: int) -> float | None:
        if "MetricName" in self.definition:
            statistic = self.definition.get("Statistic") or self.definition["ExtendedStatistic"]
            return series.value(Metric.of(self.definition), statistic, until, self._period)
        known = {
            each["Id"]: series.value(
                Metric.of(each["MetricStat"]["Metric"]),
                each["MetricStat"]["Stat"],
                until,
                self._period,
            )
            for each in self._measured
        }
        (wanted,) = (each for each in self.definition["Metrics"] if each.get("ReturnData", True))
        return evaluate(wanted["Expression"], known)


def judge(
    points: Sequence[bool | None], count: int, needed: int, missing: str, before: State
) -> State:
    """Return an alarm's state.

    Args:
        points: Whether each period breaches, the newest first; None: it has no data. They reach further back than
            `count`.
        count: Evaluation periods.
        needed: Data points to alarm.
        missing: `breaching`, `notBreaching`, `ignore` or `missing`.
        before: Its state so far.
    """
    known = [each for each in points if each is not None][:count]
    lacking = count - len(known)
    if lacking and missing in {"breaching", "notBreaching"}:
        known += [missing == "breaching"] * lacking
        lacking = 0
    if known.count(True) >= needed:
        return State.ALARM
    if not lacking or False in known:
        return State.OK
    if not known:
        return before if missing == "ignore" else State.INSUFFICIENT_DATA
    # Nothing but a breach or two, and silence since: CloudWatch does not wait for more.
    oldest = max(ago for ago, each in enumerate(points, 1) if each is not None)
    return State.ALARM if missing == "missing" and oldest >= needed else before


def judge_rule(rule: str, states: Mapping[str, State]) -> State:
    """Return a composite alarm's state.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html

    Args:
        rule: `ALARM("…")` and `NOT ALARM("…")` with AND between them.
        states: The other alarms', by name.

    Raises:
        RuleError: It says more than that.
    """
    terms = [_TERM.fullmatch(each) for each in rule.split(" AND ")]
    if None in terms:
        raise RuleError(f"not known: {rule}")
    held = [(states[each[2]] is State.ALARM) is not bool(each[1]) for each in terms if each]
    return State.ALARM if all(held) else State.OK
