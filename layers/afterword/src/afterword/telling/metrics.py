"""Every metric that there is. docs/metrics.md says what each of them means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What is told of several values of one invocation: their sum, the last one, or each."""

    COUNTED = auto()
    GAUGE = auto()
    EACH = auto()


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's unit, and the dimensions beside `service` by each of which it is told apart as well."""

    unit: MetricUnit = MetricUnit.Count
    by: tuple[str, ...] = ()
    kind: Kind = Kind.COUNTED


_BY_CAMPAIGN = Metric(by=("campaign",))
_BY_REASON = Metric(by=("reason",))
_BY_ACCOUNT = Metric(by=("account",))
_GAUGE = Metric(kind=Kind.GAUGE)

METRICS: Mapping[str, Metric] = {
    "EventsReceived": Metric(by=("kind", "source")),
    "EventsSkipped": Metric(),
    "EventsUnwanted": Metric(),
    "Duplicates": Metric(),
    "DeadLetters": _BY_REASON,
    "RecordsFailed": Metric(),
    "InvitationsWaiting": _BY_CAMPAIGN,
    "InvitationsSent": _BY_CAMPAIGN,
    "InvitationsEnded": Metric(by=("campaign", "reason")),
    "InvitationsHeld": _BY_CAMPAIGN,
    "InvitationsUncertain": _BY_CAMPAIGN,
    "InvitationsReleased": Metric(),
    "InvitationsBlocked": _BY_REASON,
    "LanesBlocked": Metric(),
    "ProviderCalls": _BY_ACCOUNT,
    "ProviderLatency": Metric(MetricUnit.Milliseconds, ("account",), Kind.EACH),
    "ProviderOutcomes": Metric(by=("account", "outcome")),
    "RetryAfter": Metric(MetricUnit.Seconds, ("account",), Kind.EACH),
    "RateBudgetUsed": Metric(MetricUnit.Percent, ("account",), Kind.GAUGE),
    "BreakerOpen": Metric(by=("account",), kind=Kind.GAUGE),
    "SecretFetches": _BY_ACCOUNT,
    "SecretFetchesRefused": _BY_ACCOUNT,
    "CampaignsLoaded": _GAUGE,
    "BrokenCampaigns": _GAUGE,
    "BrokenMappings": _GAUGE,
    "PendingInvitations": _GAUGE,
    "OverdueInvitations": _GAUGE,
    "OverdueAge": Metric(MetricUnit.Seconds, kind=Kind.GAUGE),
    "UncertainInvitations": _GAUGE,
    "HeldInvitations": _GAUGE,
}
# How an outcome of the counts is told: the part before its dot names the metric, the rest is the dimension's value.
OUTCOMES: Mapping[str, tuple[str, str | None]] = {
    "skipped.": ("EventsSkipped", None),
    "unwanted": ("EventsUnwanted", None),
    "duplicate": ("Duplicates", None),
    "waiting": ("InvitationsWaiting", None),
    "sent": ("InvitationsSent", None),
    "ended.": ("InvitationsEnded", "reason"),
    "held": ("InvitationsHeld", None),
    "uncertain": ("InvitationsUncertain", None),
    "released": ("InvitationsReleased", None),
    "blocked.": ("InvitationsBlocked", "reason"),
    "blocked_lanes": ("LanesBlocked", None),
    "dead_letter.": ("DeadLetters", "reason"),
    "failed": ("RecordsFailed", None),
}
