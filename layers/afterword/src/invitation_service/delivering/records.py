"""What is known of an invitation on its way: how far it is, and whom it is to reach."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.models import Invitation, Status

STATES = tuple(each for each in Delivery if each is not Delivery.NONE)
_ENDED = frozenset({Status.DELIVERED, Status.FAILED, Status.ZERO_RECIPIENTS})


@dataclass(frozen=True, slots=True)
class Job:
    """Which invitation is looked after."""

    account: str
    survey_id: int
    invitation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an invitation is.

    Attributes:
        account: Whose it is.
        invitation: The invitation.
        total: How many recipients were named; 1 for a webhook's.
        first_id: The first recipient's id, the others' follow it; None: not numbered yet.
        prepared: How many of those named have become recipients, or turned out to be nobody.
        untried: How many recipients are waiting whom nobody has tried to mail.
        counts: How many recipients are in each state.
        low: No recipient below this id is waiting or being mailed.
        step: How often in a row its mail server failed it.
        not_before: Nobody tries the mail server before this moment.
        trouble_since: When the mail server began to fail it.
    """

    account: str
    invitation: Invitation
    total: int
    first_id: int | None = None
    prepared: int = 0
    untried: int = 0
    counts: Mapping[Delivery, int] = field(default_factory=Counter)
    low: int = 0
    step: int = 0
    not_before: datetime | None = None
    trouble_since: datetime | None = None

    @property
    def job(self) -> Job:
        """Which invitation it is."""
        return Job(self.account, self.invitation.survey_id, self.invitation.id)

    @property
    def is_prepared(self) -> bool:
        """Whether all of its recipients are there."""
        return self.prepared >= self.total

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to be done."""
        return self.invitation.status in _ENDED

    def next_status(self) -> Status | None:
        """Return the status that it should get now, None if it has the right one."""
        if self.has_ended or not self.is_prepared:
            return None
        if self.counts[Delivery.WAITING] or self.counts[Delivery.SENDING]:
            return Status.SCHEDULED if self.invitation.status is Status.PREPARING else None
        if self.counts[Delivery.DELIVERED]:
            return Status.DELIVERED
        lost = self.counts[Delivery.FAILED] + self.counts[Delivery.UNCERTAIN]
        return Status.FAILED if lost else Status.ZERO_RECIPIENTS

    def shown(self) -> dict[str, Any]:
        """Return what clients see: recipients by state."""
        return {
            "status": self.invitation.status,
            "named": self.total,
            **{str(state): self.counts[state] for state in STATES},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """A recipient, with what is known of mailing to them.

    Attributes:
        recipient: Who.
        attempts: How often the mail server said "later".
        first_tried_at: When it did so first.
        retry_at: When it is asked again.
        claim: Who is mailing now; empty for nobody.
        claimed_at: Since when.
    """

    recipient: SurveyRecipient
    attempts: int = 0
    first_tried_at: datetime | None = None
    retry_at: datetime | None = None
    claim: str = ""
    claimed_at: datetime | None = None

    @property
    def delivery(self) -> Delivery:
        """Where the mail stands."""
        return self.recipient.delivery

    @property
    def is_untried(self) -> bool:
        """Whether nobody has tried yet, or is trying."""
        return self.delivery is Delivery.WAITING and not self.attempts


@dataclass(frozen=True, slots=True)
class Move:
    """An addressee's step from one state to another.

    Attributes:
        before: As it was read; nothing is written if it is not so any more.
        after: As it becomes.
    """

    before: Addressee
    after: Addressee


def tallied(moves: "list[Move]") -> dict[str, int]:
    """Return by how much an invitation's counters change: those of its states, `untried`, and more."""
    change: Counter[str] = Counter()
    for move in moves:
        change[move.before.delivery] -= 1
        change[move.after.delivery] += 1
        change["untried"] += move.after.is_untried - move.before.is_untried
        # Who unsubscribed is not counted among those invited.
        change["recipients_count"] -= move.after.delivery is Delivery.SUPPRESSED
    return {name: by for name, by in change.items() if by}
