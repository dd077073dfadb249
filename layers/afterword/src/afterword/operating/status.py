"""How things stand, by the ledger: what waits, what blocks it, and how the calls under way are getting on."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from afterword.remembering.pauses import FOR_GOOD
from afterword.sending import budget
from afterword.sending.ways import DAY, is_blocked, is_open
from afterword.standing import late

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Way
    from afterword.sending.ways import Blocked


@dataclass(frozen=True, slots=True)
class Lane:
    """What a campaign has in the ledger.

    Attributes:
        campaign: Its id.
        pending: How many wait, counted up to a limit.
        overdue: How many of them should have gone out 15 minutes ago, counted alike.
        oldest: When the first of them is or was due (business time); None: nothing waits.
        held: How many wait for a person.
    """

    campaign: str
    pending: int
    overdue: int
    oldest: int | None
    held: int


@dataclass(frozen=True, slots=True)
class Gate:
    """The way to one survey.

    Attributes:
        account: The provider's account.
        survey: The survey there.
        campaign: A campaign that goes this way.
        blocked: What blocks it now, and until when.
        breaker: `closed`, `open`, or `probing` while one call at a time may try.
        failures: How often in a row the account has failed.
        spent: Its calls of the last minute.
        sent: How many recipients the survey has taken today (UTC).
        refused: How many it has refused today.
    """

    account: str
    survey: int
    campaign: str
    blocked: Blocked | None
    breaker: str
    failures: int
    spent: int
    sent: int
    refused: int

    @property
    def waits_for_a_person(self) -> bool:
        """Tell whether it stays blocked until somebody acts."""
        return self.blocked is not None and self.blocked.until >= FOR_GOOD


def lanes(ledger: Ledger, campaigns: Iterable[str], now: int, most: int) -> list[Lane]:
    """Return what campaigns have waiting.

    Args:
        ledger: The ledger.
        campaigns: Their ids.
        now: Business time, Unix seconds.
        most: How many to count of each; `most` itself means: or more.

    Raises:
        LedgerError: The ledger did not answer.
    """
    return [_lane(ledger, each, now, most) for each in sorted(campaigns)]


def _lane(ledger: Ledger, campaign: str, now: int, most: int) -> Lane:
    times = ledger.due_times(campaign, most)
    held = ledger.count_held(campaign, most)
    return Lane(campaign, len(times), late(times, now), times[0] if times else None, held)


def gates(ledger: Ledger, campaigns: Sequence[Campaign], now: int) -> list[Gate]:
    """Return the ways that campaigns take, each with what blocks it. `now` is wall time. Raises LedgerError."""
    ways = {(each.account, each.survey): each.id for each in reversed(campaigns)}
    return [
        _gate(ledger.read_way(account, survey), campaign, now)
        for (account, survey), campaign in sorted(ways.items())
    ]


def _gate(way: Way, campaign: str, now: int) -> Gate:
    account, slot = way.account_state, way.slot
    today = slot.day == now // DAY
    open_ = "open" if account.not_before > now else "probing"
    return Gate(
        account=way.account,
        survey=way.survey,
        campaign=campaign,
        blocked=is_blocked(way, now),
        breaker=open_ if is_open(account) else "closed",
        failures=account.failures,
        spent=budget.used(account.spent, now),
        sent=slot.sent if today else 0,
        refused=slot.refused if today else 0,
    )


def last_batches(ledger: Ledger, most: int) -> list[Batch]:
    """Return the newest batches that somebody still has to look after: the calls of the last minutes, and in doubt."""
    return nlargest(most, ledger.open_batches(), key=lambda each: (each.created_at, each.id))
