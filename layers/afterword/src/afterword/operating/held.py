"""What is held, and how a person resolves it. Every write is conditional: whoever comes second changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING

from afterword.deciding.rules import Reason
from afterword.remembering.records import Batch, BatchState, Invitation, Key, Move, State
from afterword.sending import batches, passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from afterword.remembering.ledger import Ledger

_CHUNK = 100
# So long an operator has a batch to himself; a sweep finishes what he could not.
_LEASE = 120


class Resolution(StrEnum):
    """What a person says of something held."""

    SENT = "sent"
    RESEND = "resend"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many entries (invitations and batches) were resolved, and how many invitations these were."""

    entries: int = 0
    invitations: int = 0

    def __add__(self, other: Resolved) -> Resolved:
        """Add up."""
        return Resolved(self.entries + other.entries, self.invitations + other.invitations)


def find(
    ledger: Ledger, campaigns: Iterable[str], reason: str | None = None
) -> Iterator[Invitation | Batch]:
    """Walk through what campaigns have held, in bounded memory.

    Args:
        ledger: The ledger.
        campaigns: Their ids.
        reason: Only what is held for this reason.

    Raises:
        LedgerError: The ledger did not answer.
    """
    for campaign in sorted(campaigns):
        for each in ledger.held(campaign):
            if reason is None or each.reason == reason:
                yield each


def read(ledger: Ledger, identity: str) -> Invitation | Batch | None:
    """Read what an operator names, held or not; None: there is no such thing.

    Args:
        ledger: The ledger.
        identity: A batch's id, or an invitation's `shop#kind#occasion#campaign`.

    Raises:
        LedgerError: The ledger did not answer.
    """
    if "#" not in identity:
        return ledger.read_batch(identity)
    try:
        key = Key.parse(identity)
    except ValueError:
        return None
    return ledger.read_invitations([key]).get(key)


def members(ledger: Ledger, held: Invitation | Batch, most: int | None = None) -> list[Invitation]:
    """Return the invitations that something held stands for, `most` of them (None: all)."""
    if isinstance(held, Invitation):
        return [held]
    if most is None:
        return batches.members(ledger, held)
    keys = ledger.read_members(held)[:most]
    found = ledger.read_invitations(keys).values()
    return [each for each in found if (each.state, each.batch) == (State.CLAIMED, held.id)]


def resolve_all(
    ledger: Ledger,
    found: Iterable[Invitation | Batch],
    resolution: Resolution,
    now: int,
    progressed: Callable[[int], None],
) -> Resolved:
    """Resolve all that is found, in bounded memory.

    Args:
        ledger: The ledger.
        found: What to resolve; what is not held any more is passed over.
        resolution: What a person said.
        now: Wall time, Unix seconds.
        progressed: Is told after each step how many entries have been looked at.

    Raises:
        LedgerError: What was resolved before stays so.
    """
    total, looked_at = Resolved(), 0
    for chunk in batched(found, _CHUNK, strict=False):
        moves = [
            _move(each, resolution, now)
            for each in chunk
            if isinstance(each, Invitation) and each.state is State.HELD
        ]
        moved = len(ledger.move(moves))
        total += Resolved(moved, moved)
        for each in chunk:
            if isinstance(each, Batch):
                total += _resolve_batch(ledger, each, resolution, now)
        looked_at += len(chunk)
        progressed(looked_at)
    return total


def _move(held: Invitation, resolution: Resolution, now: int) -> Move:
    match resolution:
        case Resolution.SENT:
            # Whenever the call was, it was not after that: the contact cap rather counts too much.
            asked_at = held.held_at or now
            reason = Reason.SENT_BY_OPERATOR.value
            return Move(held, State.ENDED, reason=reason, asked_at=asked_at)
        case Resolution.DROP:
            reason = Reason.DROPPED_BY_OPERATOR.value
            return Move(held, State.ENDED, reason=reason, gives_back=True)
        case Resolution.RESEND:
            due = max(held.due, now)
            return Move(held, State.PENDING, reason=batches.RESENT, due=due, attempts=0)


def _resolve_batch(ledger: Ledger, held: Batch, resolution: Resolution, now: int) -> Resolved:
    if held.state is not BatchState.HELD:
        return Resolved()
    if resolution is Resolution.SENT:
        passage.free(ledger, held)
        reason = Reason.SENT_BY_OPERATOR.value
        sent = replace(held, state=BatchState.SENT, reason=reason, due=None)
        return Resolved(1, held.size) if ledger.change_batch(held, sent) else Resolved()
    dropped = resolution is Resolution.DROP
    reason = Reason.DROPPED_BY_OPERATOR.value if dropped else batches.RESENT
    mine = replace(held, state=BatchState.RELEASING, reason=reason, due=now + _LEASE)
    if not ledger.change_batch(held, mine):
        return Resolved()
    return Resolved(1, batches.release(ledger, mine, reason=reason).total())
