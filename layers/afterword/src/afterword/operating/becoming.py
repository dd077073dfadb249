"""What became of an event, looked up in the ledger by its business keys: a message's id does not survive a redrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterword.deciding.customer_key import customer_key
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.shop_events import Cancellation, Purchase, Refund, Signup
from afterword.reading.skips import SkippedError
from afterword.remembering.records import Key, Occasion, State, customer_ref

if TYPE_CHECKING:
    from afterword.reading.reader import Mapper
    from afterword.remembering.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Trace:
    """By what an event is found again: its kind and id; the occasion, or the customer who leaves. Nothing personal."""

    kind: str
    event: str
    occasion: Occasion | None = None
    customer: str | None = None


def trace(body: str, now: int, mapper: Mapper, secret: bytes) -> Trace | str:
    """Read a message's body as translate_events does.

    Args:
        body: The body.
        now: Unix seconds.
        mapper: Knows the events of others.
        secret: The key of the customer keys.

    Returns:
        How to find it again, or why it is no event.
    """
    try:
        event = read(body, now, mapper)
    except SkippedError as skipped:
        return f"skipped: {skipped.reason}"
    except PoisonError as error:
        return f"still not readable: {error.reason}"
    if isinstance(event, Purchase | Signup):
        known = event.occasion or customer_key(event.customer.email, secret)
        return Trace(event.type, event.id, Occasion(event.shop, event.type, known))
    if isinstance(event, Refund | Cancellation):
        return Trace(event.type, event.id, Occasion(event.shop, *event.stops))
    who = customer_ref(event.shop, customer_key(event.email, secret))
    return Trace(event.type, event.id, customer=who)


def became(ledger: Ledger, found: Trace, campaigns: set[str]) -> str | None:
    """Return what the ledger knows of an event; None: nothing yet.

    Args:
        ledger: The ledger.
        found: The event.
        campaigns: Every campaign that ever was.

    Raises:
        LedgerError: The ledger did not answer.
    """
    if found.customer is not None:
        known = ledger.read_customers([found.customer]).get(found.customer)
        return known.suppressed if known else None
    occasion = found.occasion
    if occasion is None:
        return None
    if found.kind != occasion.kind:
        mark = ledger.read_marks([occasion]).get(occasion)
        return mark.why if mark else None
    keys = [Key(occasion, campaign) for campaign in sorted(campaigns)]
    invitations = ledger.read_invitations(keys)
    told = []
    for key in keys:
        if key in invitations:
            each = invitations[key]
            batch = ledger.read_batch(each.batch or "") if each.state is State.CLAIMED else None
            state = batch.state.value if batch else each.state.value
            told.append(": ".join(filter(None, (key.campaign, state, each.reason))))
    return "; ".join(told) or None
