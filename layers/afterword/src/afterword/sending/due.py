"""Decides again what is due, and sends it: the step that queue and schedule have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterword.deciding.rules import End, when_due
from afterword.remembering.records import Move, State
from afterword.sending import claiming
from afterword.sending.batches import MOST_ATTEMPTS, count_moves
from afterword.sending.claiming import Candidate

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Customer, Invitation
    from afterword.sending.sender import Sender

_PAUSE = 900


def send_due(
    ledger: Ledger,
    sender: Sender,
    campaign: Campaign,
    invitations: Sequence[Invitation],
    customers: Mapping[str, Customer],
    now: int,
) -> Counter[str]:
    """Decide again on pending invitations whose time has come; end, hold or send each.

    Args:
        ledger: The ledger.
        sender: Calls the provider.
        campaign: Theirs, as it is now.
        invitations: Pending and due.
        customers: By key.
        now: Business time, Unix seconds.

    Returns:
        How many invitations became what.
    """
    ready, moves = [], []
    for each in invitations:
        customer = customers.get(each.customer)
        if customer and customer.suppressed:
            moves.append(Move(each, State.ENDED, reason=customer.suppressed))
        elif customer is None or customer.email is None:
            moves.append(_without_address(each, now))
        elif end := _decide(campaign, each, customer.email, now):
            moves.append(Move(each, State.ENDED, reason=end.reason.value))
        else:
            ready.append(Candidate(each, customer))
    ledger.move(moves)
    counts = count_moves(moves)
    return counts + sender.send(campaign, ready, now) if ready else counts


def send_new(
    ledger: Ledger,
    sender: Sender,
    campaign: Campaign,
    invitations: Sequence[Invitation],
    told: Mapping[str, Customer],
    now: int,
) -> Counter[str]:
    """Decide on invitations that are due as they come in and that the ledger may not have yet; end or send each.

    Those that go out at once are written once, as claimed; the others as any that wait.

    Args:
        ledger: The ledger.
        sender: Calls the provider.
        campaign: Theirs.
        invitations: Pending and due.
        told: Their customers by key, as the events told.
        now: Business time, Unix seconds.

    Returns:
        How many invitations became what; `duplicate` counts those that the ledger had already.
    """
    ready, ended = [], []
    candidates = [_new(each, told[each.customer]) for each in invitations]
    for each in candidates:
        if end := _decide(campaign, each.invitation, each.customer.email or "", now):
            ended.append(Move(each.invitation, State.ENDED, reason=end.reason.value))
        else:
            ready.append(each)
    # However it ends: another campaign may need the token.
    who = {each.invitation.customer for each in ended}
    ledger.remember_customers([told[each] for each in sorted(who) if told[each].token], now)
    counts = claiming.end(ledger, candidates, ended, now)
    return counts + sender.send(campaign, ready, now) if ready else +counts


def _new(invitation: Invitation, told: Customer) -> Candidate:
    return Candidate(invitation, told, told, is_new=True)


def _decide(campaign: Campaign, invitation: Invitation, email: str, now: int) -> End | None:
    occasion = invitation.key.occasion
    decision = when_due(
        campaign,
        kind=occasion.kind,
        shop=occasion.shop,
        occurred=invitation.occurred_at,
        due=invitation.due if invitation.first_due is None else invitation.first_due,
        email=email,
        now=now,
    )
    return decision if isinstance(decision, End) else None


def _without_address(invitation: Invitation, now: int) -> Move:
    attempts = invitation.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        return Move(invitation, State.HELD, reason="no_address", attempts=attempts, held_at=now)
    return Move(invitation, State.PENDING, reason="no_address", due=now + _PAUSE, attempts=attempts)
