"""What a round took, and what all rounds come to: medians, spread, ratios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.compare.instance import Taken


@dataclass(frozen=True, slots=True)
class Books:
    """What the stand-ins have counted until now.

    Attributes:
        aws: Of the one for AWS.
        provider: Of the provider's.
    """

    aws: Mapping[str, Any]
    provider: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of one configuration.

    Attributes:
        events: How many orders there were.
        sent: How many the provider accepted.
        seconds: By the clock, of all invocations together.
        cpu: The handlers' CPU time, in seconds.
        waited: The CPU time that the stand-ins had meanwhile, in seconds.
        longest: The longest invocation, in seconds.
        peak: The most memory of an instance until then, in bytes.
        database: Calls to DynamoDB, by operation.
        others: Calls to other services of AWS, by service and operation.
        provider: Calls to the provider.
        write_units: What DynamoDB would charge.
        read_units: The same for reads.
    """

    events: int
    sent: int
    seconds: float
    cpu: float
    waited: float
    longest: float
    peak: int
    database: Counter[str]
    others: Counter[str]
    provider: int
    write_units: int
    read_units: float

    @classmethod
    def of(cls, events: int, taken: Sequence[Taken], before: Books, after: Books) -> Round:
        """Make one of what its invocations took and what was counted meanwhile."""
        return cls(
            events=events,
            sent=after.provider["accepted"] - before.provider["accepted"],
            seconds=sum(each.seconds for each in taken),
            cpu=sum(each.cpu for each in taken),
            waited=_more(before, after, "cpu"),
            longest=max(each.seconds for each in taken),
            peak=max(each.peak for each in taken),
            database=_difference(before.aws["calls"], after.aws["calls"]),
            others=_difference(before.aws["other_calls"], after.aws["other_calls"]),
            provider=_total(before.provider, after.provider, "calls"),
            write_units=_total(before.aws, after.aws, "write_units"),
            read_units=_total(before.aws, after.aws, "read_units"),
        )

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def rate_alone(self) -> float:
        """Events a second if the stand-ins cost nothing: while they work, the handler waits."""
        return self.events / max(self.seconds - self.waited, self.cpu)

    @property
    def cpu_each(self) -> float:
        """CPU of the handler for one event, in milliseconds."""
        return self.cpu / self.events * 1000


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, and between what it lies."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Make one of a value for each round."""
        known = list(values)
        return cls(median(known), min(known), max(known))


type Rounds = Mapping[str, Sequence[Round]]


def spread(rounds: Sequence[Round], figure: Callable[[Round], float]) -> Spread:
    """Return what a figure comes to over all rounds."""
    return Spread.of(figure(each) for each in rounds)


def ratio(
    rounds: Sequence[Round], reference: Sequence[Round], figure: Callable[[Round], float]
) -> Spread:
    """Return how a figure compares with the reference's of the same round, so that a busy moment hits both."""
    pairs = zip(rounds, reference, strict=True)
    return Spread.of(figure(ours) / figure(theirs) for ours, theirs in pairs)


def per_thousand(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    """Return how much of something there is for a thousand events, over all rounds."""
    return sum(map(figure, rounds)) * 1000 / sum(each.events for each in rounds)


def _more(before: Books, after: Books, name: str) -> float:
    return float(after.aws[name] - before.aws[name] + after.provider[name] - before.provider[name])


def _total(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- a number
    return sum(after[name].values()) - sum(before[name].values())


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    return Counter(after) - Counter(before)
