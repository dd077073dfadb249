"""A queue as SQS is one: what is not deleted comes again, and too often is once too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchmarks.soak.events import Events

# As the template has them.
BATCH_SIZE = 1000
VISIBILITY = 390
MOST_RECEIVES = 240
_ARN = "arn:aws:sqs:eu-west-1:123456789012:afterword-soak-shop-events"


@dataclass
class Queue:
    """The queue of shop events.

    Attributes:
        events: What comes in.
        new: The number of the next one that was never received.
        redelivered: How often a message came again.
        given_up: What was received too often.
    """

    events: Events
    new: int = 0
    redelivered: int = 0
    given_up: set[int] = field(default_factory=set)
    _waiting: list[tuple[int, int, int]] = field(default_factory=list)

    def receive(self, now: int) -> dict[int, int]:
        """Return up to a batch of what is visible at `now` (Unix seconds): how often each came before."""
        batch: dict[int, int] = {}
        while len(batch) < BATCH_SIZE and self._waiting and self._waiting[0][0] <= now:
            _, number, receives = heappop(self._waiting)
            batch[number] = receives
        self.redelivered += len(batch)
        while len(batch) < BATCH_SIZE and self.new < self.events.count:
            if self.events.occurred(self.new) >= now:
                break
            batch[self.new] = 0
            self.new += 1
        return batch

    def keep(self, batch: dict[int, int], failed: Collection[int], now: int) -> None:
        """Let those that failed come again; the others are deleted."""
        for number in failed:
            receives = batch[number] + 1
            if receives >= MOST_RECEIVES:
                self.given_up.add(number)
            else:
                heappush(self._waiting, (now + VISIBILITY, number, receives))

    def __len__(self) -> int:
        """Return how many are not deleted."""
        return self.events.count - self.new + len(self._waiting)

    def sqs_event(self, batch: Collection[int]) -> dict[str, Any]:
        """Return what Lambda hands to a function.

        https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
        """
        return {"Records": [self._record(number) for number in batch]}

    def _record(self, number: int) -> dict[str, Any]:
        sent_at = self.events.occurred(number) * 1000
        return {
            "messageId": str(number),
            "body": self.events.body(number),
            "attributes": {"SentTimestamp": str(sent_at)},
            "eventSourceARN": _ARN,
        }
