"""What a person ends: what waits for an order, for a campaign, or for a customer who left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterword.deciding.rules import Reason, StopMark
from afterword.remembering.records import PERSONAL, Key, Leaving, Move, State

if TYPE_CHECKING:
    from collections.abc import Collection

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Occasion

_WAITS = {State.PENDING, State.HELD}


@dataclass(frozen=True, slots=True)
class Stopped:
    """What was ended, and what is past that: claimed by a batch, which `explain` tells more about."""

    ended: tuple[Key, ...] = ()
    claimed: tuple[Key, ...] = ()


def cancel(ledger: Ledger, occasion: Occasion, campaigns: Collection[str], now: int) -> Stopped:
    """Stop an occasion as the shop's own cancellation does, whether its event has come or not.

    The mark is written before anything is read: of an event and this, whichever comes second sees the other
    (docs/design.md, rule 4).

    Args:
        ledger: The ledger.
        occasion: The order or the account.
        campaigns: All that ever were, and those that load.
        now: Wall time, Unix seconds.

    Raises:
        LedgerError: The ledger did not answer; do it again.
    """
    known = ledger.read_marks([occasion]).get(occasion)
    # A refund says more than this would.
    if known is None or known.partial:
        ledger.put_marks({occasion: StopMark("cancelled", now, None, partial=False)}, now)
    return _end(ledger, [Key(occasion, each) for each in sorted(campaigns)], Reason.CANCELLED)


def drop(ledger: Ledger, key: Key) -> Stopped:
    """End one campaign's invitation that waits; other campaigns go on. Raises LedgerError."""
    return _end(ledger, [key], Reason.DROPPED_BY_OPERATOR)


def suppress(ledger: Ledger, customer: str, now: int) -> Stopped:
    """Never ask a customer again, as after an unsubscription; name and address are removed.

    Args:
        ledger: The ledger.
        customer: The customer's key, with the shop.
        now: Wall time, Unix seconds.

    Raises:
        LedgerError: The ledger did not answer; do it again.
    """
    ledger.suppress([Leaving(customer, Reason.UNSUBSCRIBED.value, now)])
    return _end(ledger, ledger.invitations_of(customer), Reason.UNSUBSCRIBED)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed (names of fields), what it ended, and how many records of invitations stay, unnamed."""

    removed: tuple[str, ...]
    stopped: Stopped
    invitations: int


def erase(ledger: Ledger, customer: str, now: int) -> Erased:
    """Remove a customer's personal data and keep that this was done.

    Args:
        ledger: The ledger.
        customer: The customer's key, with the shop.
        now: Wall time, Unix seconds.

    Raises:
        LedgerError: The ledger did not answer, or still has personal data; do it again.
    """
    known = ledger.read_customers([customer]).get(customer)
    removed = tuple(each for each in PERSONAL if known and getattr(known, each) is not None)
    ledger.suppress([Leaving(customer, Reason.ERASED.value, now, erase=True)])
    keys = ledger.invitations_of(customer)
    return Erased(removed, _end(ledger, keys, Reason.ERASED), len(keys))


def _end(ledger: Ledger, keys: Collection[Key], reason: Reason) -> Stopped:
    found = ledger.read_invitations(keys).values()
    # Nobody was asked about what a person drops: the contact cap is given back.
    gives_back = reason is Reason.DROPPED_BY_OPERATOR
    moves = [
        Move(each, State.ENDED, reason=reason.value, gives_back=gives_back)
        for each in found
        if each.state in _WAITS
    ]
    moved = ledger.move(moves)
    # A sweep may have been faster.
    others = ledger.read_invitations([each.key for each in found if each.key not in moved])
    claimed = [each.key for each in others.values() if each.state is State.CLAIMED]
    return Stopped(tuple(sorted(moved, key=str)), tuple(sorted(claimed, key=str)))
