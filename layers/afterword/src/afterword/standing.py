"""How things stand after a sweep: gauges, each of them a few reads."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import BatchState
from afterword.sending import budget, ways
from afterword.sweep import MOST_COUNTED, OVERDUE_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.noting import Notes
    from afterword.remembering.ledger import Ledger
    from afterword.sending.provider import Provider


def late(times: Sequence[int], now: int) -> int:
    """Count the due times, in order, of what should have gone out 15 minutes before `now` (business times)."""
    return bisect_right(times, now - OVERDUE_AFTER)


class Standing:
    """Counts what waits, and looks at the ways to providers.

    Args:
        ledger: The ledger.
        provider_of: Returns the provider behind an account's name; raises AccountError, ParametersError.
        campaigns: All that load.
        idle: What the sweep found in lanes where nothing was due: they need no second look.
    """

    def __init__(
        self,
        ledger: Ledger,
        provider_of: Callable[[str], Provider],
        campaigns: Collection[Campaign],
        idle: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._provider_of = provider_of
        self._campaigns = campaigns
        # Those of a campaign that was deleted count, too: nobody sends them, and somebody must hear of it.
        self._lanes = {each.id for each in campaigns} | ledger.campaigns()
        self._idle = idle or {}

    @cached_property
    def _times(self) -> list[Sequence[int]]:
        """By lane: when its invitations are due, the soonest first, up to 1,000."""
        known = self._idle
        return [
            known[lane] if lane in known else self._ledger.due_times(lane, MOST_COUNTED)
            for lane in self._lanes
        ]

    def overdue(self, now: int) -> int:
        """Count invitations that should have gone out 15 minutes ago (up to 1,000 a campaign)."""
        return sum(late(times, now) for times in self._times)

    def overdue_age(self, now: int) -> int:
        """Return how long ago the oldest overdue invitation was due, in seconds; 0: none is overdue."""
        return max((now - times[0] for times in self._times if late(times, now)), default=0)

    def pending(self) -> int:
        """Count invitations that wait, due or not (up to 1,000 a campaign)."""
        return sum(map(len, self._times))

    def held(self) -> int:
        """Count invitations that wait for a person (looking at up to 1,000 entries a campaign, each may be a batch)."""
        return sum(self._ledger.count_held(lane, MOST_COUNTED) for lane in self._lanes)

    def uncertain(self) -> int:
        """Count invitations in calls that are in doubt (of the first 1,000 calls that somebody looks after)."""
        batches = islice(self._ledger.open_batches(), MOST_COUNTED)
        return sum(each.size for each in batches if each.state is BatchState.UNCERTAIN)

    def note(self, notes: Notes, now: int, wall: float) -> dict[str, int]:
        """Note the gauges of docs/metrics.md; return those that are of no single account.

        Args:
            notes: Where.
            now: Business time, Unix seconds.
            wall: Wall time, Unix seconds.
        """
        gauges = {
            "OverdueInvitations": self.overdue(now),
            "OverdueAge": self.overdue_age(now),
            "HeldInvitations": self.held(),
            "PendingInvitations": self.pending(),
            "UncertainInvitations": self.uncertain(),
        }
        for name, value in gauges.items():
            notes.measure(name, value)
        # Any survey of an account will do: breaker and budget are the account's.
        for account, survey in {each.account: each.survey for each in self._campaigns}.items():
            self._note_account(notes, account, survey, wall)
        return gauges

    def _note_account(self, notes: Notes, account: str, survey: int, wall: float) -> None:
        state = self._ledger.read_way(account, survey).account_state
        notes.measure("BreakerOpen", ways.is_open(state), account=account)
        try:
            limit = self._provider_of(account).calls_per_minute
        except (AccountError, ParametersError):
            return
        used = budget.used(state.spent, wall)
        notes.measure("RateBudgetUsed", round(100 * used / limit, 1), account=account)
