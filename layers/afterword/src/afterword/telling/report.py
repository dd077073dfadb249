"""One log line and a few metrics for each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from afterword.deciding.campaigns import CampaignError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from aws_lambda_powertools import Logger, Metrics

    from afterword.remembering.parameters import BrokenError

_METRICS = {
    "event.": "EventsReceived",
    "skipped.": "EventsSkipped",
    "unwanted": "EventsUnwanted",
    "duplicate": "Duplicates",
    "waiting": "InvitationsWaiting",
    "sent": "InvitationsSent",
    "ended.": "InvitationsEnded",
    "held": "InvitationsHeld",
    "uncertain": "InvitationsUncertain",
    "released": "InvitationsReleased",
    "blocked.": "InvitationsBlocked",
    "blocked_lanes": "LanesBlocked",
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


def report_broken(logger: Logger, metrics: Metrics, errors: Sequence[BrokenError]) -> None:
    """Log and count what is wrong with campaigns or mappings: fields, never values."""
    for error in errors:
        kind = "campaign" if isinstance(error, CampaignError) else "mapping"
        name = f"Broken{kind.capitalize()}s"
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
        logger.error(
            "a %s is broken; its last good version is used, if it ever had one",
            kind,
            extra={"fault": str(error)},
        )


def report_gauges(metrics: Metrics, **values: int) -> None:
    """Note how many invitations are in some state now, 0 too: an alarm must see that it is over."""
    for name, value in values.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _belongs(outcome: str, prefix: str) -> bool:
    return outcome.startswith(prefix) if prefix.endswith(".") else outcome == prefix
