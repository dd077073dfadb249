"""What becomes of a batch after its call: recorded on the batch first, then on its members, then on the way."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from afterword.deciding.rules import Reason
from afterword.noting import shown
from afterword.remembering.records import BatchState, Leaving, Move, State
from afterword.sending import passage, ways
from afterword.sending.provider import Each, Puzzling, Refused, Retry, Sent, Uncertain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Invitation, Way
    from afterword.sending.provider import Outcome, Provider, Single

_logger = logging.getLogger(__name__)
# "Accepted is not invited", and an uncertain call needs time to show up: docs/design.md, rules 6 and 8.
LOOK_AFTER = 600
REPLAY_AFTER = 60
# A row that can't be sent is tried so often, then held for a person; the others go on without it.
MOST_ATTEMPTS = 5
KILLED = "killed_in_call"
# A person has said: ask again.
RESENT = "resent_by_operator"


def check_at(provider: Provider, now: int) -> int:
    """Return the wall time at which an uncertain call is looked into."""
    return now + (REPLAY_AFTER if provider.replays_key else LOOK_AFTER)


def record(  # noqa: PLR0913 -- a call, and all that is known of it
    ledger: Ledger,
    provider: Provider,
    way: Way,
    batch: Batch,
    outcome: Outcome,
    now: int,
    *,
    claimed: Sequence[Invitation] | None = None,
) -> Counter[str]:
    """Record a call's outcome; free the way.

    Args:
        ledger: The ledger.
        provider: Who was called.
        way: Account and survey.
        batch: As the ledger has it: calling, or uncertain and asked again.
        outcome: What became of the call.
        now: Wall time, Unix seconds.
        claimed: Its members as the ledger has them, in the order of the call; None: they are read.

    Returns:
        How many invitations became what.
    """
    tell_of_call(batch, outcome)
    later = check_at(provider, now)

    def settle(known: Way) -> Way:
        return ways.settle(known, batch.id, outcome, batch.size, later, now)

    match outcome:
        case Refused() if batch.size == 1:
            return _end_refused(ledger, batch, way, settle, outcome, now)
        case Refused():
            half = -(-batch.size // 2)
            return release(ledger, batch, reason=outcome.reason, split=half, settle=settle)
        case Retry():
            return release(ledger, batch, reason=outcome.reason, settle=settle)
        case Sent():
            sent = replace(batch, state=BatchState.SENT, provider_id=outcome.id, reason=None)
            ledger.change_batch(batch, replace(sent, checks=0, due=now + LOOK_AFTER))
            counts = Counter(sent=batch.size)
        case Each():
            mine = members(ledger, batch) if claimed is None else claimed
            return _record_each(ledger, batch, mine, way, settle, outcome, now)
        case Uncertain():
            doubt = replace(batch, state=BatchState.UNCERTAIN, reason=outcome.reason, due=later)
            ledger.change_batch(batch, doubt)
            counts = Counter(uncertain=batch.size)
    passage.change(ledger, way, settle)
    return counts


def tell_of_call(batch: Batch, outcome: Outcome) -> None:
    """Log a call: counts can't tell a refused secret from a used-up quota."""
    told = outcome.for_the_way() if isinstance(outcome, Each) else outcome
    level, word = (
        (logging.INFO, "sent") if isinstance(told, Sent) else (logging.WARNING, told.reason)
    )
    about = {
        "batch": batch.id,
        "account": batch.account,
        "survey": batch.survey,
        "campaign": batch.campaign,
        "members": batch.size,
    }
    _logger.log(level, "batch %s, account %s: %s", batch.id, batch.account, word, extra=about)


def release(
    ledger: Ledger,
    batch: Batch,
    *,
    reason: str | None,
    split: int | None = None,
    settle: Callable[[Way], Way] | None = None,
) -> Counter[str]:
    """Give a batch's members back to the due index, and its way to the next one: nobody was asked, or may be again.

    Safe to repeat: a batch that was left half released is `releasing`, and due, until members and way are free.

    Args:
        ledger: The ledger.
        batch: As the ledger has it.
        reason: Why, for whoever asks.
        split: The most members that a batch of theirs may have from now on.
        settle: What the call says of the way; without it, there was no call.
    """
    releasing = replace(
        batch, state=BatchState.RELEASING, reason=reason, split=split or batch.split
    )
    is_mine = ledger.change_batch(batch, releasing)
    # Before its call only a clock that is ahead takes a batch away. What was claimed since, nobody else gives back.
    if not is_mine and batch.state is not BatchState.CLAIMING:
        return Counter()
    moves = [_release_one(each, releasing) for each in members(ledger, batch)]
    moved = ledger.move(moves)
    if settle:
        passage.change(ledger, passage.way_of(batch), settle)
    else:
        passage.free(ledger, batch)
    if is_mine:
        ledger.change_batch(releasing, replace(releasing, state=BatchState.RELEASED, due=None))
    return count_moves([each for each in moves if each.invitation.key in moved])


def _release_one(invitation: Invitation, batch: Batch) -> Move:
    if batch.reason == KILLED:
        return _ask_twice(invitation, KILLED, batch.called_at or batch.created_at)
    if batch.reason == RESENT:
        # Perhaps it was asked, so that the contact cap counts it.
        return Move(invitation, State.PENDING, reason=RESENT, attempts=0)
    if batch.reason == Reason.DROPPED_BY_OPERATOR:
        return Move(invitation, State.ENDED, reason=batch.reason, gives_back=batch.notes)
    return Move(
        invitation,
        State.PENDING,
        reason=batch.reason,
        batch_limit=batch.split,
        gives_back=batch.notes,
    )


def _ask_twice(invitation: Invitation, reason: str, at: int, due: int | None = None) -> Move:
    """Ask again about an invitation that was perhaps asked, so that the contact cap counts it; but not for ever."""
    attempts = invitation.attempts + 1
    state = State.PENDING if attempts < MOST_ATTEMPTS else State.HELD
    return Move(invitation, state, reason=reason, due=due, attempts=attempts, held_at=at)


def hold(ledger: Ledger, batch: Batch, reason: str, now: int) -> Counter[str]:
    """Leave a batch to a person: what became of it cannot be known here. `now` is wall time."""
    passage.free(ledger, batch)
    ledger.change_batch(batch, replace(batch, state=BatchState.HELD, reason=reason, due=now))
    # One line: there may be 10,000 members, and `afterword held` lists them.
    about = {"batch": batch.id, "campaign": batch.campaign, "members": batch.size, "reason": reason}
    _logger.warning("a batch was not sent: held", extra=about)
    return Counter(held=batch.size)


def members(ledger: Ledger, batch: Batch) -> list[Invitation]:
    """Return the invitations that a batch has claimed, in the order of its call."""
    keys = ledger.read_members(batch)
    found = ledger.read_invitations(keys)
    known = (found[key] for key in keys if key in found)
    return [each for each in known if (each.state, each.batch) == (State.CLAIMED, batch.id)]


def _record_each(  # noqa: PLR0913, PLR0917 -- as `record`
    ledger: Ledger,
    batch: Batch,
    claimed: Sequence[Invitation],
    way: Way,
    settle: Callable[[Way], Way],
    outcome: Each,
    now: int,
) -> Counter[str]:
    """Move those who were not invited away; the others' state is then the batch's: sent."""
    too_many = ways.refuses_too_many(settle(way).slot)
    pairs = list(zip(claimed, outcome.outcomes, strict=True))
    moves = [
        move
        for each, single in pairs
        if (move := _move_one(each, single, now, too_many=too_many, noted=batch.notes))
    ]
    # First: who has been moved is no member any more, and would not be found by whoever takes over here.
    ledger.suppress(
        [
            Leaving(each.customer, single.reason, batch.called_at or 0)
            for each, single in pairs
            if isinstance(single, Refused) and single.suppresses
        ]
    )
    ledger.move(moves)
    passage.change(ledger, way, settle)
    sent = outcome.count_sent()
    state = BatchState.SENT if sent else BatchState.RELEASED
    ledger.change_batch(batch, replace(batch, state=state, size=sent, due=None))
    return Counter(sent=sent) + count_moves(moves)


def _move_one(  # noqa: PLR0911 -- a table, a line each
    invitation: Invitation, outcome: Single, now: int, *, too_many: bool, noted: bool
) -> Move | None:
    match outcome:
        case Sent():
            return None
        case Refused(reason, suppresses):
            if too_many and not suppresses:
                return _hold_one(invitation, "too_many_refused", now, gives_back=noted)
            return Move(invitation, State.ENDED, reason=reason, gives_back=noted)
        case Retry(reason, doubtful=True):
            return _ask_twice(invitation, reason, now, max(invitation.due, now) + LOOK_AFTER)
        case Retry(reason):
            return Move(invitation, State.PENDING, reason=reason, gives_back=noted)
        case Puzzling(reason):
            return _hold_one(invitation, reason, now, gives_back=noted)
        case Uncertain(reason):
            # Perhaps asked: the contact cap counts it.
            return _hold_one(invitation, reason, now, gives_back=False)


def _hold_one(invitation: Invitation, reason: str, now: int, *, gives_back: bool) -> Move:
    return Move(invitation, State.HELD, reason=reason, held_at=now, gives_back=gives_back)


def count_moves(moves: Collection[Move]) -> Counter[str]:
    """Count what becomes of invitations: `ended.<reason>`, `held`, `released` by a batch or `deferred`.

    Each that is not sent has its line in the log.
    """
    for move in moves:
        if move.state in {State.ENDED, State.HELD}:
            tell_of(move.invitation, move.state, move.reason)
    return Counter(_name(move) for move in moves)


def tell_of(invitation: Invitation, state: State, reason: str | None) -> None:
    """Log that an invitation was not sent."""
    about = {
        "invitation": shown(str(invitation.key)),
        "correlation_id": invitation.correlation_id,
        "batch": invitation.batch,
        "reason": reason,
    }
    _logger.info("an invitation was not sent: %s", state.value, extra=about)


def _name(move: Move) -> str:
    match move.state:
        case State.PENDING:
            return "released" if move.invitation.state is State.CLAIMED else "deferred"
        case State.HELD:
            return "held"
        case _:
            return f"ended.{move.reason}"


def _end_refused(
    ledger: Ledger,
    batch: Batch,
    way: Way,
    settle: Callable[[Way], Way],
    outcome: Refused,
    now: int,
) -> Counter[str]:
    """End the one invitation that was refused, or hold it: when many are, the survey is at fault."""
    held = ways.refuses_too_many(settle(way).slot)
    state, reason = (
        (State.HELD, "too_many_refused") if held else (State.ENDED, Reason.REFUSED.value)
    )
    moves = [
        Move(each, state, reason=reason, gives_back=batch.notes, held_at=now)
        for each in members(ledger, batch)
    ]
    ledger.move(moves)
    for each in moves:
        tell_of(each.invitation, state, reason)
    passage.change(ledger, way, settle)
    refused = replace(batch, state=BatchState.REFUSED, reason=outcome.reason, due=None)
    ledger.change_batch(batch, refused)
    return Counter(held=1) if held else Counter({f"ended.{Reason.REFUSED}": 1})
