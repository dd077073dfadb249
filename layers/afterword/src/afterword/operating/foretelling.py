"""What will become of an invitation, by the very rules that will decide: a guess that events and people may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from afterword.deciding.rules import End, Reason, capped, stopped_by, when_due
from afterword.operating.reasons import in_words
from afterword.remembering.pauses import FOR_GOOD
from afterword.remembering.records import BatchState, State
from afterword.sending.ways import is_blocked

if TYPE_CHECKING:
    from afterword.deciding.campaigns import Campaign
    from afterword.deciding.rules import StopMark
    from afterword.remembering.records import Batch, Customer, Invitation, Way

NOTHING = "Nothing more."


@dataclass(frozen=True, slots=True)
class Known:
    """What decides on one invitation; None: there is no such thing."""

    campaign: Campaign | None
    customer: Customer | None
    mark: StopMark | None
    batch: Batch | None
    way: Way


def foretell(invitation: Invitation, known: Known, now: int) -> str:
    """Return what will happen to an invitation next, and when. `now` in Unix seconds."""
    match invitation.state:
        case State.ENDED:
            return NOTHING
        case State.HELD:
            return f"It waits for a person: afterword held resolve '{invitation.key}' --as …"
        case State.CLAIMED:
            return _in_batch(known.batch)
        case State.PENDING:
            return _pending(invitation, known, now)


def moment(at: int) -> str:
    """Return a time (Unix seconds) as people read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_batch(batch: Batch | None) -> str:
    if batch is None:
        return "Its batch is gone: nobody will touch it any more."
    if batch.state is BatchState.HELD:
        return f"It waits for a person: afterword held resolve {batch.id} --as …"
    if batch.due is None:
        return NOTHING
    at = moment(batch.due)
    match batch.state:
        case BatchState.SENT:
            return f"After {at} the provider is asked whether it went out."
        case BatchState.UNCERTAIN:
            return f"After {at} the provider is asked what became of the call."
        case _:
            return f"A run is at it; if it dies, another takes over after {at}."


def _pending(invitation: Invitation, known: Known, now: int) -> str:
    campaign, customer = known.campaign, known.customer
    if campaign is None:
        return (
            "Nobody sends it: no campaign of this name loads. Put it back as a dry_run to end it."
        )
    leaves = customer.suppressed if customer else None
    if reason := leaves or stopped_by(known.mark, campaign):
        return _ends(max(now, invitation.due), reason)
    at, waits = _waits_until(invitation, known, campaign, now)
    if at >= FOR_GOOD:
        return f"It waits until somebody resumes. {'; '.join(waits)}. It may expire by then."
    email = customer.email if customer else None
    if email is None:
        return f"After {moment(at)} it is tried without an address, and held after five times."
    if reason := _ends_unsent(invitation, known, campaign, email, at):
        return _ends(at, reason)
    because = f" It waits until then. {'; '.join(waits)}." if waits else ""
    return f"It is sent by the first sweep after {moment(at)}.{because}"


def _ends_unsent(
    invitation: Invitation, known: Known, campaign: Campaign, email: str, at: int
) -> Reason | None:
    occasion = invitation.key.occasion
    decision = when_due(
        campaign,
        kind=occasion.kind,
        shop=occasion.shop,
        occurred=invitation.occurred_at,
        due=invitation.due if invitation.first_due is None else invitation.first_due,
        email=email,
        now=at,
    )
    if isinstance(decision, End):
        return decision.reason
    # One that defers has been waited for.
    return Reason.CAPPED if _capped_until(invitation, known, campaign, at) else None


def _waits_until(
    invitation: Invitation, known: Known, campaign: Campaign, now: int
) -> tuple[int, list[str]]:
    """Return from when it may go out, and what it waits for beyond its due time."""
    at, waits = max(now, invitation.due), []
    blocked = is_blocked(known.way, at, campaign.id)
    if blocked:
        at = blocked.until
        waits.append(in_words(blocked.reason))
    free_at = _capped_until(invitation, known, campaign, at)
    if free_at and campaign.contact_cap and campaign.contact_cap.when_capped == "defer":
        at = free_at
        waits.append("the customer was asked already, and the contact cap defers")
    return at, waits


def _capped_until(invitation: Invitation, known: Known, campaign: Campaign, at: int) -> int | None:
    """Return until when the contact cap leaves the customer alone; None: it does not."""
    customer = known.customer
    if customer is None or customer.last_by == str(invitation.key):
        return None
    return capped(customer.last_at, campaign.contact_cap, at)


def _ends(at: int, reason: str) -> str:
    return f"The first sweep after {moment(at)} ends it, unsent. {in_words(reason)}."
