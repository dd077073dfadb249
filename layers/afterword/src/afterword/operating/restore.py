"""After a point-in-time restore (docs/design.md, rule 12): nobody is asked again about what the ledger has forgotten.

The restored ledger does not know what was sent since. So everything is paused, and what may have gone out is held.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from afterword.remembering.pauses import EVERYTHING, Pause
from afterword.remembering.records import BatchState, Move, State
from afterword.sending import batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Key

RESTORED = "restored"
_CHUNK = 500
# What the old ledger's functions may have finished since. The others say themselves what became of them, when asked.
_IN_FLIGHT = {BatchState.CLAIMING, BatchState.CALLING, BatchState.RELEASING}


@dataclass(frozen=True, slots=True)
class Restore:
    """What is asked for.

    Attributes:
        until: What is due by then may have gone out: the point of the restore and a margin (Unix seconds).
        now: Wall time, Unix seconds.
        dry_run: Whether to count only.
    """

    until: int
    now: int
    dry_run: bool


def restore(ledger: Ledger, wanted: Restore, progressed: Callable[[int], None]) -> Counter[str]:
    """Pause everything, hold batches in flight and invitations that may have gone out. May be repeated at any time.

    Args:
        ledger: The restored one, at which no function looks yet.
        wanted: What is asked for.
        progressed: Is told after each step how many rows have been looked at.

    Returns:
        How many invitations are held now that were not, by campaign; `batches` counts those within batches.

    Raises:
        LedgerError: What was done before stays; repeat it.
    """
    known = ledger.pauses().get(EVERYTHING)
    # One that ends by itself may have ended, or would end before a person has looked.
    if not wanted.dry_run and (known is None or known.until is not None):
        ledger.put_pause(EVERYTHING, Pause(wanted.now, None, RESTORED))
    counts = _hold_batches(ledger, wanted)
    looked_at = 0
    for campaign in sorted(ledger.campaigns()):
        for keys in batched(ledger.waiting(campaign, wanted.until), _CHUNK, strict=False):
            counts[f"campaign {campaign}"] += _hold(ledger, keys, wanted)
            looked_at += len(keys)
            progressed(looked_at)
    return +counts


def _hold_batches(ledger: Ledger, wanted: Restore) -> Counter[str]:
    counts: Counter[str] = Counter()
    for batch in ledger.open_batches():
        if batch.state in _IN_FLIGHT:
            # A claim that was cut short has fewer members than it names: the others are held one by one.
            counts["batches"] += len(batches.members(ledger, batch))
            if not wanted.dry_run:
                batches.hold(ledger, batch, RESTORED, wanted.now)
    return counts


def _hold(ledger: Ledger, keys: tuple[Key, ...], wanted: Restore) -> int:
    # The index may lag behind a run that broke off.
    found = [
        each
        for each in ledger.read_invitations(keys).values()
        if each.state is State.PENDING and each.due <= wanted.until
    ]
    if wanted.dry_run:
        return len(found)
    moves = [Move(each, State.HELD, reason=RESTORED, held_at=wanted.now) for each in found]
    return len(ledger.move(moves))
