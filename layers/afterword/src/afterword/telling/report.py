"""What an invocation tells: a log line with counts by outcome, and metrics."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from itertools import batched
from types import MappingProxyType
from typing import TYPE_CHECKING

from afterword.deciding.campaigns import CampaignError
from afterword.deciding.rules import Reason
from afterword.telling.emf import OTHER, Emf
from afterword.telling.metrics import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_lambda_powertools import Logger

    from afterword.noting import Notes
    from afterword.remembering.parameters import BrokenError

# Lambda cuts a line off at 256 KB: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
_MOST_IDS_A_LINE = 200
_REASONS = frozenset(Reason)


class Report:
    """Tells of one invocation.

    Args:
        logger: powertools' logger.
        notes: What was noted on the way.
    """

    def __init__(self, logger: Logger, notes: Notes) -> None:
        self._logger = logger
        self._notes = notes
        self._counts: Counter[str] = Counter()

    def outcomes(
        self,
        message: str,
        counts: Counter[str],
        became: Mapping[str, Counter[str]] = MappingProxyType({}),
    ) -> None:
        """Log what was done, and how many became what: one line.

        Args:
            message: What was done.
            counts: By outcome, over all campaigns.
            became: Of these, by campaign and outcome, what was not noted on the way.
        """
        for campaign, mine in became.items():
            self._notes.became(campaign, mine)
        told: dict[str, object] = {"counts": dict(sorted(counts.items()))}
        first, *others = list(
            batched(self._notes.take_arrived(), _MOST_IDS_A_LINE, strict=False)
        ) or [()]
        if first:
            told["arrived"] = first
        self._logger.info(message, extra=told)
        for more in others:
            self._logger.info("and also", extra={"arrived": more})
        self._counts += counts

    def broken(self, errors: Sequence[BrokenError]) -> None:
        """Log what is wrong with campaigns or mappings: fields, never values."""
        for error in errors:
            kind = "campaign" if isinstance(error, CampaignError) else "mapping"
            self._logger.error(
                "a %s is broken; its last good version is used, if it ever had one",
                kind,
                extra={"fault": str(error)},
            )

    def flush(self) -> None:
        """Print the metrics."""
        emf = Emf(self._notes.known)
        became = self._notes.take_became()
        for campaign, counts in became.items():
            _add(emf, counts, campaign=campaign)
        _add(emf, self._counts - sum(became.values(), Counter()))
        for each in self._notes.take_measured():
            emf.add(each.metric, each.value, each.about)
        emf.flush()


@contextmanager
def reporting(logger: Logger, notes: Notes) -> Iterator[Report]:
    """Tell of an invocation, however it ends."""
    report = Report(logger, notes)
    try:
        yield report
    finally:
        report.flush()


def _add(emf: Emf, counts: Counter[str], **about: str) -> None:
    for outcome, count in counts.items():
        head, dot, rest = outcome.partition(".")
        metric, dimension = OUTCOMES.get(head + dot, (None, None))
        if metric and count:
            by = {dimension: _reason(head, rest)} if dimension else {}
            emf.add(metric, count, about | by)


def _reason(head: str, reason: str) -> str:
    """Return a reason that is one of a closed list: a person may suppress customers with another one."""
    return OTHER if head == "ended" and reason not in _REASONS else reason
