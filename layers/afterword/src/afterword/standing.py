"""How things stand after a sweep: gauges, each of them a few reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterword.deciding.accounts import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import BatchState
from afterword.sending import budget, ways
from afterword.sweep import OVERDUE_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from afterword.deciding.campaigns import Campaign
    from afterword.noting import Notes
    from afterword.remembering.ledger import Ledger
    from afterword.sending.provider import Provider

# Keys of an index alone: a page of a query has about as many.
_MOST_PENDING = 10_000
_MOST_COUNTED = 1000
# No invitation is due later.
_EVER = 253_402_300_799


class Standing:
    """Counts what waits, and looks at the ways to providers.

    Args:
        ledger: The ledger.
        provider_of: Returns the provider behind an account's name; raises AccountError, ParametersError.
        campaigns: All that load.
    """

    def __init__(
        self,
        ledger: Ledger,
        provider_of: Callable[[str], Provider],
        campaigns: Collection[Campaign],
    ) -> None:
        self._ledger = ledger
        self._provider_of = provider_of
        self._campaigns = campaigns
        # Those of a campaign that was deleted count, too: nobody sends them, and somebody must hear of it.
        self._lanes = {each.id for each in campaigns} | ledger.campaigns()

    def overdue(self, now: int) -> int:
        """Count invitations that should have gone out 15 minutes ago (up to 1,000 a campaign)."""
        late = now - OVERDUE_AFTER
        return sum(len(self._ledger.due(lane, late, _MOST_COUNTED)) for lane in self._lanes)

    def overdue_age(self, now: int) -> int:
        """Return how long ago the oldest overdue invitation was due, in seconds; 0: none is overdue."""
        late = now - OVERDUE_AFTER
        firsts = [next(self._ledger.waiting(lane, late), None) for lane in self._lanes]
        found = self._ledger.read_invitations([each for each in firsts if each])
        # The index may lag behind.
        return max((now - each.due for each in found.values() if each.due <= late), default=0)

    def pending(self) -> int:
        """Count invitations that wait, due or not (up to 10,000 a campaign)."""
        return sum(len(self._ledger.due(lane, _EVER, _MOST_PENDING)) for lane in self._lanes)

    def held(self) -> int:
        """Count invitations that wait for a person (looking at up to 1,000 entries a campaign, each may be a batch)."""
        return sum(self._ledger.count_held(lane, _MOST_COUNTED) for lane in self._lanes)

    def uncertain(self) -> int:
        """Count invitations in calls that are in doubt."""
        batches = self._ledger.open_batches()
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
