"""The claim on a batch's members: who may be called, and what becomes of those who may not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from afterword.deciding.rules import Reason, capped, stopped_by
from afterword.remembering.records import Claim, Move, State
from afterword.sending import batches

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Claimed, Customer, Invitation, Key


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invitation that may go out, and the person whom it is for.

    Attributes:
        invitation: Pending.
        customer: As far as known: as the ledger has it, or as the event told.
        told: What the event told and the ledger does not know yet, as far as known.
        is_new: Whether the invitation is not in the ledger yet.
    """

    invitation: Invitation
    customer: Customer
    told: Customer | None = None
    is_new: bool = False

    @property
    def tells_token(self) -> bool:
        """Whether its customer is to be remembered in any case: another campaign may need the token."""
        return self.told is not None and self.told.token is not None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim has come to.

    Attributes:
        ready: Who is to be called.
        counts: How many of the others became what; `duplicate` counts new ones that the ledger had already.
        settled: New ones of whose customers nothing is left to be remembered, whatever becomes of the call.
    """

    ready: list[Candidate]
    counts: Counter[str]
    settled: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Met:
    """New candidates with what the ledger knows of their customers, and the end of those who have left."""

    candidates: list[Candidate]
    left: list[Move]


def meet(ledger: Ledger, candidates: Sequence[Candidate]) -> Met:
    """Look up the customers of new candidates before their claim; the others come as they are."""
    known = ledger.read_customers({each.invitation.customer for each in candidates if each.is_new})
    met = Met([], [])
    for each in candidates:
        customer = known.get(each.invitation.customer)
        if customer and customer.suppressed:
            met.left.append(Move(each.invitation, State.ENDED, reason=customer.suppressed))
        else:
            met.candidates.append(_with_news(each, customer) if customer else each)
    return met


def _with_news(candidate: Candidate, known: Customer) -> Candidate:
    told = candidate.told
    if told is None:
        return replace(candidate, customer=known)
    news = told if known.takes(told) else None
    return replace(candidate, customer=known.with_news(told), told=news)


def take(
    ledger: Ledger,
    campaign: Campaign,
    batch: Batch,
    group: Sequence[Candidate],
    now: int,
    *,
    keeps_address: bool,
) -> Taken:
    """Claim a group's invitations for a batch, and look once more at who was refunded or has left since.

    Args:
        ledger: The ledger; it has the batch already.
        campaign: Theirs.
        batch: Claiming.
        group: Each customer once.
        now: Business time, Unix seconds.
        keeps_address: Whether what events told is remembered with the claim; else of who is sent only those who came
            with a token are.
    """
    kept = {each.invitation.key for each in group if keeps_address or each.tells_token}
    claims = [_claim(each, campaign, batch, kept) for each in group]
    claimed = ledger.claim(batch, claims, now)
    turned = _turned_away(campaign, group, claimed, now)
    unguarded = {each.invitation.key for each in claims if not each.is_guarded}
    won = [each for each in group if each.invitation.key in claimed.won]
    ready, stopped = _look_again(ledger, campaign, batch, won, unguarded)
    counts = end(ledger, group, turned, now)
    ledger.move(stopped)
    counts += batches.count_moves(stopped)
    # Not settled: whoever wrote them may have died before it could remember their customers.
    new = {each.invitation.key for each in group if each.is_new}
    counts["duplicate"] += len(new - claimed.won - claimed.refused.keys())
    ended = {each.invitation.key for each in (*turned, *stopped) if each.state is State.ENDED}
    return Taken(ready, +counts, frozenset(claimed.won & kept | ended - kept))


def _claim(candidate: Candidate, campaign: Campaign, batch: Batch, kept: Collection[Key]) -> Claim:
    cap = campaign.contact_cap
    return Claim(
        candidate.invitation,
        cap=int(cap.period.total_seconds()) if cap else None,
        notes=batch.notes,
        told=candidate.told if candidate.invitation.key in kept else None,
        is_new=candidate.is_new,
    )


def _look_again(
    ledger: Ledger,
    campaign: Campaign,
    batch: Batch,
    won: Sequence[Candidate],
    unguarded: Collection[Key],
) -> tuple[list[Candidate], list[Move]]:
    """Return who is to be called, and the end of those who were refunded or have left.

    After the claim: a refund writes its mark and then looks for what it can still cancel, and so does who leaves.
    """
    marks = ledger.read_marks([each.invitation.key.occasion for each in won])
    customers = ledger.read_customers(
        [each.invitation.customer for each in won if each.invitation.key in unguarded]
    )
    ready, stopped = [], []
    for each in won:
        known = customers.get(each.invitation.customer)
        left = known.suppressed if known else None
        if reason := left or stopped_by(marks.get(each.invitation.key.occasion), campaign):
            mine = replace(each.invitation, state=State.CLAIMED, batch=batch.id)
            stopped.append(Move(mine, State.ENDED, reason=reason, gives_back=batch.notes))
        else:
            ready.append(_with_news(each, known) if known else each)
    return ready, stopped


def end(
    ledger: Ledger, group: Iterable[Candidate], moves: Collection[Move], now: int
) -> Counter[str]:
    """Write what becomes of pending invitations that are not claimed; new ones are created so.

    Returns:
        How many became what; `duplicate` counts new ones that the ledger had already.
    """
    keys = {each.invitation.key for each in group if each.is_new}
    new = [each for each in moves if each.invitation.key in keys]
    old = [each for each in moves if each.invitation.key not in keys]
    created = ledger.create([each.after() for each in new], now)
    ledger.move(old)
    counts = batches.count_moves([*old, *(each for each in new if each.invitation.key in created)])
    counts["duplicate"] += len(new) - len(created)
    return counts


def _turned_away(
    campaign: Campaign, group: Sequence[Candidate], claimed: Claimed, now: int
) -> list[Move]:
    """Return what becomes of those whom their customer's record kept from being claimed."""
    moves = []
    for each in group:
        customer = claimed.refused.get(each.invitation.key)
        if customer is None:
            continue
        free_at = capped(customer.last_at, campaign.contact_cap, now)
        if customer.suppressed:
            moves.append(Move(each.invitation, State.ENDED, reason=customer.suppressed))
        elif free_at and campaign.contact_cap and campaign.contact_cap.when_capped == "defer":
            moves.append(
                Move(each.invitation, State.PENDING, reason=Reason.CAPPED.value, due=free_at)
            )
        else:
            moves.append(Move(each.invitation, State.ENDED, reason=Reason.CAPPED.value))
    return moves
