"""Sends due invitations: the batch is the claim (docs/design.md, rule 2). Queue and schedule share this path."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import Batch
from afterword.sending import batches, claiming, passage, ways
from afterword.sending.calling import Caller, wanted
from afterword.sending.members import groups, keeps_address, terms_of, without_token
from afterword.sending.passage import Pace
from afterword.sending.ways import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Key, Move
    from afterword.sending.claiming import Candidate
    from afterword.sending.provider import Provider

_logger = logging.getLogger(__name__)
# Somebody else may look after a batch this long after its invocation must have ended.
LEASE_GRACE = 60


@dataclass(slots=True)
class _Done:
    """How far a sending has come.

    Attributes:
        left: How many stay due.
        counts: How many became what.
        written: Those whom the ledger has by now.
        settled: New ones of whose customers nothing is left to be remembered.
    """

    left: int
    counts: Counter[str] = field(default_factory=Counter)
    written: set[Key] = field(default_factory=set)
    settled: set[Key] = field(default_factory=set)


class Sender:
    """Claims invitations and calls their provider.

    Args:
        ledger: The ledger.
        provider_of: Returns the provider behind an account's name; raises AccountError, ParametersError.
        clock: Wall time, Unix seconds.
        new_id: Returns a batch id that was never used before.
        deadline: Wall time at which this invocation ends.
        pace: Tells the time to the split second, and waits; None: nobody waits here.
        capped: The shops where a campaign keeps a contact cap, so that it is noted on the customer who is asked; None:
            all.

    Attributes:
        blocked: What stopped the last sending, if anything did.
    """

    def __init__(  # noqa: PLR0913 - Its parts, each of them once.
        self,
        ledger: Ledger,
        provider_of: Callable[[str], Provider],
        clock: Callable[[], int],
        new_id: Callable[[], str],
        deadline: int,
        pace: Pace | None = None,
        *,
        capped: frozenset[str] | None = None,
    ) -> None:
        self._ledger = ledger
        self.provider_of = provider_of
        self._clock = clock
        self._new_id = new_id
        self._deadline = deadline
        self.pace = pace or Pace(clock)
        self._capped = capped
        self._caller = Caller(ledger, clock, deadline, self.pace)
        self.blocked: Blocked | None = None

    def send(self, campaign: Campaign, candidates: Sequence[Candidate], now: int) -> Counter[str]:
        """Send as many as the provider's way lets through; the rest stays due.

        Args:
            campaign: Whose invitations they are.
            candidates: Pending invitations that were decided to go out; new ones are in the ledger afterwards, and of
                their customers whatever is still needed.
            now: Business time, Unix seconds.

        Returns:
            How many invitations became what; `blocked.<reason>` counts those that stay due, `duplicate` the new ones
            that the ledger had already.
        """
        self.blocked = None
        done = _Done(len(candidates))
        blocked = self._send(campaign, candidates, now, done)
        new = [each for each in candidates if each.is_new]
        known = self._remember(new, done, now)
        done.counts["duplicate"] += known
        if blocked:
            done.counts[f"blocked.{blocked}"] += max(0, done.left - known)
        return +done.counts

    def _send(
        self, campaign: Campaign, candidates: Sequence[Candidate], now: int, done: _Done
    ) -> str | None:
        """Send group by group; return what keeps the rest from it, if anything does."""
        try:
            provider = self.provider_of(campaign.account)
        except (AccountError, ParametersError) as error:
            # One broken account must not stop the others; its invitations wait for it to be mended.
            _logger.warning("campaign %s waits: %s", campaign.id, error)
            return "broken_account"
        if fault := provider.fault(terms_of(campaign)):
            _logger.warning("campaign %s waits: %s", campaign.id, fault)
            return "broken_campaign"
        keeps = keeps_address(campaign, provider) or any(each.tells_token for each in candidates)
        if keeps or self._notes(campaign):
            met = claiming.meet(self._ledger, candidates)
            self._end(candidates, met.left, now, done)
            candidates = met.candidates
        if provider.one_by_one and campaign.unknown_respondent == "skip":
            nameless = without_token(candidates)
            self._end(candidates, nameless, now, done)
            candidates = [each for each in candidates if each.customer.token is not None]
        for group in groups(candidates, provider.most_recipients):
            rest = group
            while rest:
                tried = self._send_group(campaign, provider, rest, now, done)
                if isinstance(tried, Blocked):
                    self.blocked = tried
                    return tried.reason
                rest = rest[tried:]
        return None

    def _notes(self, campaign: Campaign) -> bool:
        """Tell whether anybody wants to know when a customer of this campaign was last asked."""
        return self._capped is None or campaign.shop in self._capped

    def _end(
        self, candidates: Sequence[Candidate], moves: Sequence[Move], now: int, done: _Done
    ) -> None:
        """End those who are not even to be claimed."""
        done.counts += claiming.end(self._ledger, candidates, moves, now)
        done.left -= len(moves)
        ended = {each.invitation.key for each in moves}
        done.written |= ended
        done.settled |= ended

    def _send_group(
        self,
        campaign: Campaign,
        provider: Provider,
        group: Sequence[Candidate],
        now: int,
        done: _Done,
    ) -> int | Blocked:
        """Send to as many, from the first on, as the account's budget has room for; return how many they were."""
        wall = self._clock()
        if not self._caller.has_time(provider):
            return Blocked(wall, "out_of_time")
        batch = Batch(
            id=self._new_id(),
            campaign=campaign.id,
            account=campaign.account,
            survey=campaign.survey,
            size=len(group),
            created_at=wall,
            due=self._deadline + LEASE_GRACE,
            notes=self._notes(campaign),
        )
        known = self._ledger.read_way(batch.account, batch.survey)
        requests = wanted(provider, known, len(group), self.pace)
        # Before the batch is written: it may have 10,000 members.
        if blocked := ways.would_block(known, campaign.id, requests, self.pace.now()):
            return blocked
        self._ledger.open_batch(batch, [each.invitation.key for each in group])
        way = passage.take(self._ledger, known, batch, requests, self.pace)
        if isinstance(way, Blocked):
            batches.release(self._ledger, batch, reason=way.reason)
            return way
        if provider.one_by_one:
            group = group[: way.slot.calls]
        keeps = keeps_address(campaign, provider)
        taken = claiming.take(self._ledger, campaign, batch, group, now, keeps_address=keeps)
        done.written |= {each.invitation.key for each in group}
        done.settled |= taken.settled
        done.counts += taken.counts
        done.left -= len(group) - len(taken.ready)
        if not taken.ready or not self._caller.has_time(provider):
            done.counts += batches.release(self._ledger, batch, reason="not_called")
        else:
            called = self._caller.call(campaign, provider, way, batch, taken.ready)
            if isinstance(called, Blocked):
                return called
            done.counts += called
            if called["sent"] == len(taken.ready):
                done.settled |= {each.invitation.key for each in taken.ready}
        done.left -= len(taken.ready)
        return len(group)

    def _remember(self, new: Sequence[Candidate], done: _Done, now: int) -> int:
        """Write down new invitations that wait, and the customers of all that may be asked later on.

        After the call: until then the queue remembers them, and brings all again if this invocation dies.

        Returns:
            How many of those that nobody tried to send were known before.
        """
        untold = [each for each in new if each.invitation.key not in done.settled]
        told = {each.told.key: each.told for each in untold if each.told}
        self._ledger.remember_customers(list(told.values()), now)
        waiting = [each.invitation for each in new if each.invitation.key not in done.written]
        return len(waiting) - len(self._ledger.create(waiting, now))
