"""What `send_due_invitations` does each minute: finish what others left, then send all that is due."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from afterword.deciding.account_errors import AccountError
from afterword.deciding.campaigns import Mode
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import State
from afterword.sending.due import send_due
from afterword.sending.guarding import guarded
from afterword.sending.ways import BUSY, PAUSED, SPENT, is_blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.sending.mending import Mender
    from afterword.sending.sender import Sender
    from afterword.sending.ways import Blocked

# As many as the largest call takes: https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_invitations/
_MOST_ROWS = 10_000
# A call for reading takes as many.
_FEWEST_ROWS = 100
# Of each campaign so many that wait are counted, and no more are looked at, whether a thousand wait or a million.
MOST_COUNTED = 1000
OVERDUE_AFTER = 900
# A run waits so long for the budget of a minute; by then the next one has begun. Longer would only cost.
_WAITS_FOR = 120
_LOOKS_AGAIN_AFTER = 5
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

    Attributes:
        became: By campaign: how many of its invitations became what.
        idle: By campaign in whose lane nothing was due: the due times that were found there (`Ledger.due_times`).
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
        self.became = mender.became
        self.idle: dict[str, list[int]] = {}
        # By campaign: when a lane that was blocked is worth another look, and what waits there.
        self._again: dict[str, int] = {}
        self._blocked: dict[str, Counter[str]] = {}

    def run(self, campaigns: Sequence[Campaign], now: int) -> Counter[str]:
        """Send what is due by `now` (business time, Unix seconds); return how many became what.

        What fails is counted as `failed`, and the next run takes it up: one campaign must not stop the others.
        """
        counts = guarded("mending", self._mender.mend)
        gives_up_at = min(self._clock() + _WAITS_FOR, self._deadline - 2 * _ROUND_SECONDS)
        lanes = self._shuffled(campaigns)
        while lanes:
            self._again = {}
            for campaign in lanes:
                became = guarded(f"campaign {campaign.id}", partial(self._sweep, campaign, now))
                self.became[campaign.id].update(became)
                counts += became
            lanes = [each for each in lanes if each.id in self._again]
            if not self._wait(gives_up_at):
                break
        return sum(self._blocked.values(), counts)

    def _wait(self, gives_up_at: int) -> bool:
        """Wait for the first lane that opens soon; False: for none, or not in this run."""
        opens_at = min(self._again.values(), default=gives_up_at)
        wait_until = self._sender.pace.wait_until
        if wait_until is None or opens_at >= gives_up_at:
            return False
        wait_until(opens_at)
        return True

    def _sweep(self, campaign: Campaign, now: int) -> Counter[str]:
        """Go through a campaign's lane until it is empty, blocked, or time runs out."""
        counts: Counter[str] = Counter()
        self._blocked.pop(campaign.id, None)
        if self._is_idle(campaign, now):
            return counts
        most, seconds = self._measure_round(campaign)
        while self._clock() + seconds < self._deadline:
            if blocked := self._find_block(campaign):
                self._note_block(campaign, blocked, Counter(blocked_lanes=1))
                break
            keys = self._ledger.due(campaign.id, now, most)
            found = self._ledger.read_invitations(keys).values()
            # The index may lag behind: what has been claimed or put off since is no longer ours to decide.
            due = [each for each in found if each.state is State.PENDING and each.due <= now]
            if not due:
                # Behind many that nobody can read there may be others.
                if len(keys) < most or most == _MOST_ROWS:
                    break
                most = _MOST_ROWS
                continue
            customers = self._ledger.read_customers({each.customer for each in due})
            done = send_due(self._ledger, self._sender, campaign, due, customers, now)
            waiting = Counter({name: done.pop(name) for name in list(done) if _is_block(name)})
            counts += done
            if waiting and self._sender.blocked:
                self._note_block(campaign, self._sender.blocked, waiting)
                break
            # Not if nothing got out of the way: the next round would find the same.
            if not done or not (len(keys) == most or done["released"] > 0):
                self._blocked[campaign.id] = waiting
                break
        return counts

    def _is_idle(self, campaign: Campaign, now: int) -> bool:
        """Look into a lane; where nothing is due, this one look serves the gauges, too."""
        times = self._ledger.due_times(campaign.id, MOST_COUNTED)
        if times and times[0] <= now:
            return False
        self.idle[campaign.id] = times
        return True

    def _measure_round(self, campaign: Campaign) -> tuple[int, int]:
        """Return how many rows a round reads, and how many seconds it may take.

        What is read and can't be sent yet has to be read again, and what is claimed too late for its call to be given
        back.
        """
        if campaign.mode is Mode.DRY_RUN:
            return _MOST_ROWS, _ROUND_SECONDS
        try:
            provider = self._sender.provider_of(campaign.account)
        except (AccountError, ParametersError):
            return _FEWEST_ROWS, _ROUND_SECONDS
        seconds = _ROUND_SECONDS + provider.call_seconds
        if provider.one_by_one:
            return min(max(provider.calls_per_minute, _FEWEST_ROWS), _MOST_ROWS), seconds
        return _MOST_ROWS, seconds

    def _find_block(self, campaign: Campaign) -> Blocked | None:
        way = self._ledger.read_way(campaign.account, campaign.survey)
        blocked = is_blocked(way, self._clock(), campaign.id)
        # A dry run needs no way; but what a person has paused stays as it is.
        is_dry = campaign.mode is Mode.DRY_RUN and blocked and blocked.reason != PAUSED
        return None if is_dry else blocked

    def _note_block(self, campaign: Campaign, blocked: Blocked, waiting: Counter[str]) -> None:
        """Note what waits, as it is after the last look, and whether another one is worth while."""
        self._blocked[campaign.id] = waiting
        if blocked.reason == SPENT:
            self._again[campaign.id] = blocked.until
        elif blocked.reason == BUSY:
            # Until when the call is on is not known, only its lease.
            self._again[campaign.id] = self._clock() + _LOOKS_AGAIN_AFTER


def _is_block(name: str) -> bool:
    return name.startswith("blocked.")
