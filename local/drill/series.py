"""Metrics as CloudWatch keeps them: samples by minute, and statistics over periods."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: namespace, name, and its dimensions as pairs."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Metric:
        """Read a metric as alarms and dashboards name it."""
        dimensions = {(each["Name"], each["Value"]) for each in definition.get("Dimensions", ())}
        return cls(definition["Namespace"], definition["MetricName"], frozenset(dimensions))


@dataclass(slots=True)
class Series:
    """All samples of a stack's metrics."""

    _samples: dict[Metric, dict[int, list[float]]] = field(default_factory=dict)

    def put(self, metric: Metric, at: int, *values: float) -> None:
        """Add samples of the minute of `at` (Unix seconds)."""
        minutes = self._samples.setdefault(metric, defaultdict(list))
        minutes[at // MINUTE * MINUTE] += values

    def take_line(self, line: str, at: int) -> None:
        """Add what a log line holds, if it is one in the embedded metric format.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

        Args:
            line: As a function printed it.
            at: Its minute, in Unix seconds.
        """
        try:
            record = json.loads(line)
        except ValueError:
            return
        if not isinstance(record, dict) or "_aws" not in record:
            return
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, str(record[name])) for name in names)
                for each in directive["Metrics"]:
                    value = record[each["Name"]]
                    values = value if isinstance(value, list) else [value]
                    metric = Metric(directive["Namespace"], each["Name"], dimensions)
                    self.put(metric, at, *values)

    def value(self, metric: Metric, statistic: str, until: int, period: int) -> float | None:
        """Return a statistic of the period that ends at `until`; None: there is no sample in it.

        Args:
            metric: The metric.
            statistic: As CloudWatch names it: `Sum`, `Maximum`, `p99` …
            until: Unix seconds, exclusive.
            period: Seconds.
        """
        minutes = self._samples.get(metric, {})
        found = [
            value
            for at, values in minutes.items()
            if until - period <= at < until
            for value in values
        ]
        return _statistic(statistic)(found) if found else None

    def has(self, metric: Metric) -> bool:
        """Tell whether there ever was a sample."""
        return metric in self._samples


def _statistic(name: str) -> Callable[[Sequence[float]], float]:
    known: dict[str, Callable[[Sequence[float]], float]] = {
        "Sum": math.fsum,
        "Maximum": max,
        "Minimum": min,
        "Average": _average,
        "SampleCount": len,
    }
    if name in known:
        return known[name]
    share = float(name.removeprefix("p")) / 100
    return lambda values: _percentile(values, share)


def _average(values: Iterable[float]) -> float:
    known = list(values)
    return math.fsum(known) / len(known)


def _percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
