"""What the stack takes in a month in which nothing happens."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from afterword.telling.metrics import METRICS, Kind
from benchmarks.costing.patterns import (
    DATABASE,
    GB,
    MONTH,
    PLATFORM_BYTES,
    POLLERS,
    WHOLE_PROCESSOR,
)
from local.drill.template import Resolver, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

SWEEPS = MONTH / 60
# How long one of Lambda's looks into an empty queue takes.
_LONG_POLL = 20
# DynamoDB keeps a table's key for a principal for about five minutes:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
_KEY_SECONDS = 300
_MEMORY = 1024
# Gauges that only a batch of events tells.
_NOT_OF_THE_SWEEP = {"BrokenMappings"}
# How many values each dimension has in a small shop: three campaigns, one provider.
SMALL_SHOP: Mapping[str, int] = {
    "campaign": 3,
    "account": 1,
    "kind": 3,
    "source": 1,
    "reason": 3,
    "outcome": 3,
}


def standing(idle: Mapping[str, float], accounts: int = 1) -> dict[str, float]:
    """Return what a month takes, by the price's name.

    Args:
        idle: What was counted of one sweep with nothing to do: `read_units`, `database_calls`, `cpu_seconds`,
            `printed_bytes`.
        accounts: Provider accounts in use.
    """
    seconds = idle["cpu_seconds"] * WHOLE_PROCESSOR / _MEMORY + idle["database_calls"] * DATABASE
    logs = SWEEPS * (idle["printed_bytes"] + PLATFORM_BYTES) / GB
    return {
        "metric": _gauges(accounts),
        **_watchers(),
        "queue_request": POLLERS * MONTH / _LONG_POLL,
        "read_unit": SWEEPS * idle["read_units"],
        "function_gb_second": SWEEPS * seconds * _MEMORY / 1024,
        "function_request": SWEEPS,
        "schedule": SWEEPS,
        "key_request": MONTH / _KEY_SECONDS,
        "log_gb": logs,
        "log_gb_kept": logs,
    }


def series(values: Mapping[str, int] = SMALL_SHOP) -> int:
    """Count the metrics of a month in which everything happens: each alone, and by each value of its dimensions."""
    return sum(1 + sum(values[name] for name in each.by) for each in METRICS.values())


def _gauges(accounts: int) -> int:
    """Count the series that have data in every hour: each gauge, and each again for every account."""
    told = [
        each
        for name, each in METRICS.items()
        if each.kind is Kind.GAUGE and name not in _NOT_OF_THE_SWEEP
    ]
    return len(told) + accounts * sum("account" in each.by for each in told)


def watched(alarm: Mapping[str, Any]) -> int:
    """Count an alarm's metrics: each in its formula is paid for."""
    return sum("MetricStat" in each for each in alarm.get("Metrics", ())) or 1


@cache
def _watchers() -> dict[str, float]:
    """Count what the template has of alarms and dashboards."""
    resources = Resolver(read_document()).resources
    return {
        "dashboard": len(resources("AWS::CloudWatch::Dashboard")),
        "alarm_metric": sum(map(watched, resources("AWS::CloudWatch::Alarm").values())),
        "composite_alarm": len(resources("AWS::CloudWatch::CompositeAlarm")),
    }
