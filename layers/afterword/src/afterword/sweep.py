"""What `send_due_invitations` does each minute: finish what others left, then send all that is due."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from afterword.deciding.campaigns import Mode
from afterword.remembering.records import State
from afterword.sending.due import send_due
from afterword.sending.guarding import guarded
from afterword.sending.ways import PAUSED, is_blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.sending.mending import Mender
    from afterword.sending.sender import Sender

# As many as the largest call takes: https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_invitations/
_MOST_ROWS = 10_000
OVERDUE_AFTER = 900
_MOST_OVERDUE = 1000
# What a round of reading and writing 10,000 rows may take before it comes to the call.
_ROUND_SECONDS = 30


class SweepError(Exception):
    """A part of a sweep failed. Raised when all the rest is done, so that the alarm on errors sees it."""


class Sweep:
    """One run over everything that is due. Runs may overlap: the claim decides who sends.

    Args:
        ledger: The ledger.
        sender: Calls providers.
        mender: Finishes other invocations' batches.
        clock: Wall time, Unix seconds.
        deadline: Wall time at which this invocation ends.
        shuffled: Returns campaigns in the order in which this run takes them: overlapping runs start elsewhere.
    """

    def __init__(
        self,
        ledger: Ledger,
        sender: Sender,
        mender: Mender,
        clock: Callable[[], int],
        deadline: int,
        shuffled: Callable[[Sequence[Campaign]], Sequence[Campaign]],
    ) -> None:
        self._ledger = ledger
        self._sender = sender
        self._mender = mender
        self._clock = clock
        self._deadline = deadline
        self._shuffled = shuffled

    def run(self, campaigns: Sequence[Campaign], now: int) -> Counter[str]:
        """Send what is due by `now` (business time, Unix seconds); return how many became what.

        What fails is counted as `failed`, and the next run takes it up: one campaign must not stop the others.
        """
        counts = guarded("mending", self._mender.mend)
        for campaign in self._shuffled(campaigns):
            counts += guarded(f"campaign {campaign.id}", partial(self._sweep, campaign, now))
        return counts

    def overdue(self, campaigns: Sequence[Campaign], now: int) -> int:
        """Count invitations that should have gone out 15 minutes ago (up to 1,000 a campaign).

        Those of a campaign that was deleted count, too: nobody sends them, and somebody must hear of it.
        """
        late = now - OVERDUE_AFTER
        lanes = {each.id for each in campaigns} | self._ledger.campaigns()
        return sum(len(self._ledger.due(lane, late, _MOST_OVERDUE)) for lane in lanes)

    def _sweep(self, campaign: Campaign, now: int) -> Counter[str]:
        """Go through a campaign's lane until it is empty, blocked, or time runs out."""
        counts: Counter[str] = Counter()
        while self._clock() + _ROUND_SECONDS < self._deadline:
            if self._is_blocked(campaign):
                return counts + Counter(blocked_lanes=1)
            keys = self._ledger.due(campaign.id, now, _MOST_ROWS)
            found = self._ledger.read_invitations(keys).values()
            # The index may lag behind: what has been claimed or put off since is no longer ours to decide.
            due = [each for each in found if each.state is State.PENDING and each.due <= now]
            if not due:
                break
            customers = self._ledger.read_customers({each.customer for each in due})
            done = send_due(self._ledger, self._sender, campaign, due, customers, now)
            counts += done
            if not _is_worth_another(done, len(keys)):
                break
        return counts

    def _is_blocked(self, campaign: Campaign) -> bool:
        way = self._ledger.read_way(campaign.account, campaign.survey)
        blocked = is_blocked(way, self._clock(), campaign.id)
        # A dry run needs no way; but what a person has paused stays as it is.
        is_free = campaign.mode is Mode.DRY_RUN and blocked and blocked.reason != PAUSED
        return blocked is not None and not is_free


def _is_worth_another(done: Counter[str], read: int) -> bool:
    """Tell whether another round may find more: there is more to read, or a refused batch was halved.

    Not if this one got nothing out of the way: the next would find the same.
    """
    moved = any(count for name, count in done.items() if not name.startswith("blocked."))
    return moved and (read == _MOST_ROWS or done["released"] > 0)
