"""One log line and a few metrics for each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from aws_lambda_powertools import Logger, Metrics

    from afterword.deciding.campaigns import CampaignError

_METRICS = {
    "event.": "EventsReceived",
    "unwanted": "EventsUnwanted",
    "duplicate": "Duplicates",
    "waiting": "InvitationsWaiting",
    "sent": "InvitationsSent",
    "ended.": "InvitationsEnded",
    "held": "InvitationsHeld",
    "uncertain": "InvitationsUncertain",
    "blocked.": "InvitationsBlocked",
    "dead_letter.": "DeadLetters",
    "failed": "RecordsFailed",
}


def report(logger: Logger, metrics: Metrics, message: str, counts: Counter[str]) -> None:
    """Log counts by outcome as one line, and add up the metrics that alarms and dashboards know.

    Args:
        logger: powertools' logger.
        metrics: powertools' metrics; flushed by the handler's decorator.
        message: What was done.
        counts: By outcome; a name's part after the dot stays in the log line only.
    """
    logger.info(message, extra={"counts": dict(sorted(counts.items()))})
    for prefix, name in _METRICS.items():
        total = sum(count for outcome, count in counts.items() if _belongs(outcome, prefix))
        if total:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=total)


def report_broken(logger: Logger, metrics: Metrics, errors: Sequence[CampaignError]) -> None:
    """Log and count what is wrong with campaigns: fields, never values."""
    for error in errors:
        metrics.add_metric(name="BrokenCampaigns", unit=MetricUnit.Count, value=1)
        logger.error(
            "a campaign is broken; its last good version is used, if it ever had one",
            extra={"fault": str(error)},
        )


def _belongs(outcome: str, prefix: str) -> bool:
    return outcome.startswith(prefix) if prefix.endswith(".") else outcome == prefix
