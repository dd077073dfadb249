"""Metrics as lines of a log, which CloudWatch reads: one for each set of dimensions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics

from afterword.telling.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Each value of a dimension is a metric of its own, and paid for.
MOST_VALUES = 50
OTHER = "other"


class Emf:
    """Collects an invocation's metrics, and prints them.

    A metric that is told apart by two dimensions is on one line, under `service` and under each of the two: it is
    written once, and counts once everywhere.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

    Args:
        known: For the dimensions `campaign` and `account`: what there is. All else goes as `other`.
    """

    def __init__(self, known: Mapping[str, Collection[str]]) -> None:
        self._first = {name: sorted(values)[:MOST_VALUES] for name, values in known.items()}
        self._lines: defaultdict[tuple[tuple[str, str], ...], defaultdict[str, list[float]]] = (
            defaultdict(lambda: defaultdict(list))
        )

    def add(self, name: str, value: float, about: Mapping[str, str]) -> None:
        """Add a value; of what it is about, the metric's own dimensions count.

        Raises:
            KeyError: There is no such metric.
        """
        given = (
            (each, self._bounded(each, about[each])) for each in METRICS[name].by if each in about
        )
        self._lines[tuple(given)][name].append(value)

    def flush(self) -> None:
        """Print what was added, and forget it."""
        # `Metrics` has a single set of dimensions, which all its instances share. To print a line empties this one.
        line = EphemeralMetrics()
        for about, values in self._lines.items():
            _print(line, dict(about), values)
        self._lines.clear()

    def _bounded(self, dimension: str, value: str) -> str:
        if dimension not in {"campaign", "account"}:
            return value
        return value if value in self._first.get(dimension, ()) else OTHER


def _print(
    line: EphemeralMetrics, about: Mapping[str, str], metrics: Mapping[str, list[float]]
) -> None:
    for dimension, of in about.items():
        line.add_dimensions(service=line.service or "", **{dimension: of})
    for name, values in metrics.items():
        for value in _told(METRICS[name].kind, values):
            line.add_metric(name, METRICS[name].unit, value)
    # A hundred values are printed as soon as they are there, and none may be left.
    if line.metric_set:
        line.flush_metrics()
    line.clear_metrics()


def _told(kind: Kind, values: list[float]) -> list[float]:
    match kind:
        case Kind.COUNTED:
            return [sum(values)]
        case Kind.GAUGE:
            return values[-1:]
        case Kind.EACH:
            return values
