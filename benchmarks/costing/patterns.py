"""What so many events a month take of each thing that AWS charges for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MONTH = 730 * 3600
MONTHS_A_YEAR = 12
DAYS_A_MONTH = 365 / MONTHS_A_YEAR
# How long DynamoDB and a provider take to answer, in seconds. A guess; it moves the functions' share alone.
DATABASE, PROVIDER = 0.005, 0.05
# At so many MB a function has one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
WHOLE_PROCESSOR = 1769
# With a maximum concurrency it stays at five: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLERS = 5
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
MOST_RECEIVED = 10
# What Lambda itself writes of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
PLATFORM_BYTES = 600
GB = 1024**3


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one pattern in batches of one size.

    Attributes:
        batch: Events in an invocation.
        each: What one event takes, by name: `write_units`, `read_units`, `database_calls`, `provider_calls`,
            `schedules`, `cpu_seconds`, `printed_bytes`; and what is kept of it: `table_bytes`, `index_bytes`.
    """

    batch: float
    each: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way of inviting.

    Attributes:
        name: As the table has it.
        counted: What was counted, by batch size.
        passes: How often an event comes through queue and function.
        days: How long it is remembered.
        window: For how many seconds a batch is gathered; None: every batch is as large as it may be.
        memory: Of the function, in MB.
        recovers: Whether the table can be restored to any time.
        rare: Whether the table is of the class Standard-IA.
        look: Write units of the look at what became of a call, ten minutes after it.
    """

    name: str
    counted: Sequence[Counted]
    passes: int = 1
    days: float = 400
    window: float | None = 5
    memory: int = 1024
    recovers: bool = True
    rare: bool = False
    look: float = 0

    def batch(self, events: float) -> float:
        """Return how many events are in a batch if so many a month come evenly, which is the worst case.

        Each of Lambda's pollers gathers for itself.
        """
        largest = max(each.batch for each in self.counted)
        if self.window is None:
            return largest
        return min(max(events / MONTH * self.window / POLLERS, 1), largest)

    def amounts(self, events: float) -> dict[str, float]:
        """Return what so many events a month take, by the price's name, once the table has its full size."""
        batch = self.batch(events)
        each = between(self.counted, batch)
        invocations = events * self.passes / batch
        logs = (events * each["printed_bytes"] + invocations * PLATFORM_BYTES) / GB
        return {
            "bus_event": events,
            # Each message is sent, received and deleted; the latter two by tens, if there are as many.
            "queue_request": events * self.passes * (1 + 2 / min(batch, MOST_RECEIVED)),
            "schedule": events * each["schedules"],
            "function_request": invocations,
            "function_gb_second": events * self._seconds(each) * self.memory / 1024,
            **self._table(events, each),
            "log_gb": logs,
            "log_gb_kept": logs,
        }

    def _seconds(self, each: Mapping[str, float]) -> float:
        return (
            each["cpu_seconds"] * WHOLE_PROCESSOR / self.memory
            + each["database_calls"] * DATABASE
            + each["provider_calls"] * PROVIDER
        )

    def _table(self, events: float, each: Mapping[str, float]) -> dict[str, float]:
        rare = "rare_" if self.rare else ""
        kept = events * self.days / DAYS_A_MONTH / GB
        found = {
            f"{rare}write_unit": events
            * (each["write_units"] + each["provider_calls"] * self.look),
            f"{rare}read_unit": events * each["read_units"],
            f"{rare}table_gb": kept * (each["table_bytes"] + each["index_bytes"]),
        }
        return found | ({"recovery_gb": kept * each["table_bytes"]} if self.recovers else {})


def between(counted: Sequence[Counted], batch: float) -> dict[str, float]:
    """Return what one event takes in batches of a size that was not counted.

    A batch takes something for itself, and something for each event. So over 1 / size it is a straight line, here the
    one through the two sizes on either side, or through the two nearest ones.
    """
    known = sorted(counted, key=lambda each: each.batch)
    if len(known) == 1:
        return dict(known[0].each)
    pairs = list(pairwise(known))
    less, more = next((pair for pair in pairs if batch <= pair[1].batch), pairs[-1])
    share = (1 / batch - 1 / more.batch) / (1 / less.batch - 1 / more.batch)
    return {
        name: max(0.0, more.each[name] + share * (less.each[name] - more.each[name]))
        for name in more.each
    }
