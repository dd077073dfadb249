"""Stories as programs read them: ids, times and reasons, nothing personal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterword.remembering.records import PERSONAL
from cli.options import show_time

if TYPE_CHECKING:
    from afterword.deciding.rules import StopMark
    from afterword.operating.stories import Story
    from afterword.remembering.records import Customer, Occasion

type Row = dict[str, Any]


def story_row(story: Story) -> Row:
    """Describe an invitation, what happened to it and what comes next."""
    invitation, batch = story.invitation, story.batch
    occasion = invitation.key.occasion
    return {
        "id": str(invitation.key),
        "shop": occasion.shop,
        "kind": occasion.kind,
        "occasion": occasion.id,
        "campaign": invitation.key.campaign,
        "customer": invitation.customer,
        "state": batch.state.value if batch and invitation.state == "claimed" else invitation.state,
        "reason": invitation.reason,
        "due": show_time(invitation.due),
        "batch": batch.id if batch else None,
        "provider_id": batch.provider_id if batch else None,
        "lines": [{"at": show_time(each.at), "what": each.what} for each in story.lines],
        "next": story.then,
    }


def mark_row(occasion: Occasion, mark: StopMark) -> Row:
    """Describe a stop mark."""
    return {
        "kind": occasion.kind,
        "occasion": occasion.id,
        "why": f"partially {mark.why}" if mark.partial else mark.why,
        "at": show_time(mark.at),
        "amount": mark.amount,
    }


def customer_row(customer: Customer) -> Row:
    """Describe a customer: which fields are known, never what they hold."""
    return {
        "customer": customer.key,
        "holds": [name for name in PERSONAL if getattr(customer, name) is not None],
        "last_asked_at": show_time(customer.last_at),
        "last_asked_by": customer.last_by,
        "suppressed": customer.suppressed,
        "erased_at": show_time(customer.erased_at),
    }
