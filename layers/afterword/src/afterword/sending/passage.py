"""Taking and freeing the way to a provider, in the ledger: read, decide, swap; who loses the race decides again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterword.remembering.ledger import LedgerError
from afterword.remembering.records import Way
from afterword.sending import ways
from afterword.sending.ways import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch
    from afterword.sending.budget import Wanted

_RACES = 8
# How far ahead requests are reserved by who can wait: a claim of 10,000 takes some seconds, in which the budget would
# lie idle.
_LEAD = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """Wall time to the split second, by which requests are counted; and how to wait for it, for who may."""

    now: Callable[[], float]
    wait_until: Callable[[float], None] | None = None

    @property
    def lead(self) -> float:
        """How many seconds ahead requests may be reserved."""
        return _LEAD if self.wait_until else 0


def take(ledger: Ledger, way: Way, batch: Batch, wanted: Wanted, pace: Pace) -> Way | Blocked:
    """Take the way for a batch until it is freed; past its lease the mender does that.

    Args:
        ledger: Where all instances share it.
        way: Account and survey, as last read.
        batch: Who takes it; the ledger has it already, or nobody would ever free the way after a crash.
        wanted: The requests that will be made.
        pace: Tells the time.
    """
    for _ in range(_RACES):
        now = pace.now()
        taken = ways.take(
            way,
            holder=batch.id,
            until=(batch.due or int(now)) + ways.SLOT_GRACE,
            wanted=wanted,
            now=now,
            campaign=batch.campaign,
        )
        if isinstance(taken, Blocked):
            return taken
        if ledger.swap_way(way, taken):
            return taken.swapped()
        way = ledger.read_way(way.account, way.survey)
    return Blocked(int(pace.now()) + 1, "way_contended")


def begin(ledger: Ledger, way: Way, batch: Batch, wanted: Wanted, pace: Pace) -> Way | Blocked:
    """Wait for the time that was reserved; who comes too late for it reserves again.

    Args:
        ledger: Where all instances share it.
        way: As taken.
        batch: Who is about to call.
        wanted: The requests that are still to be made.
        pace: Tells the time, and waits.
    """
    for _ in range(_RACES):
        if pace.wait_until:
            pace.wait_until(ways.begins_at(way.slot, wanted))
        begun = ways.begin(way, batch.id, wanted, pace.now())
        if isinstance(begun, Blocked) or begun == way:
            return begun
        swapped = ledger.swap_way(way, begun)
        way = begun.swapped() if swapped else ledger.read_way(way.account, way.survey)
    return Blocked(int(pace.now()) + 1, "way_contended")


def change(ledger: Ledger, way: Way, decide: Callable[[Way], Way]) -> None:
    """Change the way by a pure decision.

    Args:
        ledger: Where all instances share it.
        way: Account and survey; as last read, or as named only.
        decide: Returns the way as it is to be; asked again if somebody was faster.

    Raises:
        LedgerError: Others were faster all the time.
    """
    if not way.is_known():
        way = ledger.read_way(way.account, way.survey)
    for _ in range(_RACES):
        decided = decide(way)
        if decided == way or ledger.swap_way(way, decided):
            return
        way = ledger.read_way(way.account, way.survey)
    raise LedgerError("the ledger is too busy: a provider's state kept changing")


def keep(ledger: Ledger, batch: Batch, until: int) -> None:
    """Keep the survey's slot for a batch in doubt that is looked after at `until` (wall time)."""
    change(ledger, way_of(batch), lambda known: ways.keep(known, batch.id, until))


def free(ledger: Ledger, batch: Batch) -> None:
    """Free the way without a conclusion."""
    change(ledger, way_of(batch), lambda known: ways.give_back(known, batch.id))


def way_of(batch: Batch) -> Way:
    """Name a batch's way; nothing is known of it yet."""
    return Way(batch.account, batch.survey)
