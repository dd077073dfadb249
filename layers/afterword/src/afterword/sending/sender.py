"""Sends due invitations: the batch is the claim (docs/design.md, rule 2). Queue and schedule share this path."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import batched, groupby
from typing import TYPE_CHECKING

from afterword.deciding.accounts import AccountError
from afterword.deciding.rules import Reason
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import Batch, BatchState, Move, State
from afterword.sending import batches, claiming, passage, ways
from afterword.sending.budget import Wanted
from afterword.sending.passage import Pace
from afterword.sending.provider import LAST_ID, LookUpError, Recipient, Terms
from afterword.sending.ways import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Customer, Key, Way
    from afterword.sending.claiming import Candidate
    from afterword.sending.provider import Outcome, Provider

_logger = logging.getLogger(__name__)
# Somebody else may look after a batch this long after its invocation must have ended.
LEASE_GRACE = 60
# What has to be written after a call, before the invocation ends.
_RECORDING_SECONDS = 5


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
        self.blocked: Blocked | None = None

    def has_time(self, provider: Provider) -> bool:
        """Tell whether a whole call and its records still fit into this invocation."""
        return self._clock() + provider.call_seconds + _RECORDING_SECONDS <= self._deadline

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
        if _keeps_address(campaign, provider, candidates) or self._notes(campaign):
            met = claiming.meet(self._ledger, candidates)
            self._end(candidates, met.left, now, done)
            candidates = met.candidates
        if provider.one_by_one and campaign.unknown_respondent == "skip":
            nameless = _without_token(candidates)
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
        if not self.has_time(provider):
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
        wanted = _wanted(provider, known, len(group), self.pace)
        # Before the batch is written: it may have 10,000 members.
        if blocked := ways.would_block(known, campaign.id, wanted, self.pace.now()):
            return blocked
        self._ledger.open_batch(batch, [each.invitation.key for each in group])
        way = passage.take(self._ledger, known, batch, wanted, self.pace)
        if isinstance(way, Blocked):
            batches.release(self._ledger, batch, reason=way.reason)
            return way
        if provider.one_by_one:
            group = group[: way.slot.calls]
        keeps = _keeps_address(campaign, provider, group)
        taken = claiming.take(self._ledger, campaign, batch, group, now, keeps_address=keeps)
        done.written |= {each.invitation.key for each in group}
        done.settled |= taken.settled
        done.counts += taken.counts
        done.left -= len(group) - len(taken.ready)
        if not taken.ready or not self.has_time(provider):
            done.counts += batches.release(self._ledger, batch, reason="not_called")
        else:
            called = self._call(campaign, provider, way, batch, taken.ready)
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

    def _call(
        self,
        campaign: Campaign,
        provider: Provider,
        way: Way,
        batch: Batch,
        ready: Sequence[Candidate],
    ) -> Counter[str] | Blocked:
        people = [
            replace(person, correlation_id=each.invitation.correlation_id)
            for person, each in zip(
                recipients(campaign, [each.customer for each in ready]), ready, strict=True
            )
        ]
        body = provider.encode(people, terms_of(campaign))
        outcome: Outcome
        begun = self._begin(provider, way, batch, way.slot.calls)
        after_id = None
        if not isinstance(begun, Blocked) and _looks_before(provider, way):
            try:
                after_id = _look_before(provider, batch.survey)
            except LookUpError as error:
                return batches.record(
                    self._ledger, provider, way, batch, error.retry, self._clock()
                )
            begun = self._begin(provider, begun, batch, 1)
        if isinstance(begun, Blocked):
            batches.release(self._ledger, batch, reason=begun.reason)
            return begun
        calling = replace(
            batch,
            state=BatchState.CALLING,
            size=len(ready),
            called_at=self._clock(),
            after_id=after_id,
            digest=sha256(body).hexdigest(),
        )
        if not self.has_time(provider) or not self._ledger.change_batch(batch, calling):
            return batches.release(self._ledger, batch, reason="not_called")
        outcome = provider.invite(batch.survey, body, batch.id)
        claimed = [
            replace(each.invitation, state=State.CLAIMED, batch=batch.id, reason=None)
            for each in ready
        ]
        now = self._clock()
        return batches.record(self._ledger, provider, begun, calling, outcome, now, claimed=claimed)

    def _begin(self, provider: Provider, way: Way, batch: Batch, calls: int) -> Way | Blocked:
        """Wait for the time that was reserved for so many requests."""
        lasts = provider.call_seconds if provider.one_by_one else 0
        wanted = Wanted(
            calls,
            calls,
            provider.calls_per_minute,
            self.pace.lead,
            lasts,
            in_turn=not provider.one_by_one,
        )
        return passage.begin(self._ledger, way, batch, wanted, self.pace)


def groups(candidates: Sequence[Candidate], most: int) -> Iterator[tuple[Candidate, ...]]:
    """Group candidates into batches: each customer once, none larger than a refusal has halved it to.

    Who stands there twice waits for the next run: a provider counts a repeated address once.
    """
    once: dict[str, Candidate] = {}
    for each in candidates:
        once.setdefault(each.customer.key, each)

    def limit_of(candidate: Candidate) -> int:
        return candidate.invitation.batch_limit or most

    for limit, group in groupby(sorted(once.values(), key=limit_of), key=limit_of):
        yield from batched(group, min(limit, most), strict=False)


def recipients(campaign: Campaign, customers: Collection[Customer]) -> list[Recipient]:
    """Return the people of a call. The same customers give the same call."""
    return [
        Recipient(each.email or "", each.name, each.language or campaign.language, each.token)
        for each in customers
    ]


def terms_of(campaign: Campaign) -> Terms:
    """Return what a campaign says of its calls."""
    waits = campaign.delay_held_by == "provider"
    return Terms(
        template=campaign.template,
        footer=campaign.footer,
        delay=int(campaign.delay.total_seconds()) // 60 if waits else 0,
        resends=campaign.when_uncertain == "resend",
    )


def _look_before(provider: Provider, survey: int) -> int | None:
    """Return the survey's highest invitation id, 0 if there is none; None if nobody will ask for it.

    Raises LookUpError.
    """
    if provider.replays_key:
        # Only to see whether anybody answers. A list of a hundred pages would take longer than a call may.
        provider.list_after(survey, LAST_ID)
        return None
    return max((each.id for each in provider.list_after(survey, 0)), default=0)


def _wanted(provider: Provider, way: Way, size: int, pace: Pace) -> Wanted:
    """Return the requests of a batch: one for each member, or one for all and perhaps a look before."""
    limit = provider.calls_per_minute
    if provider.one_by_one:
        # The breaker's probe may get lost, and nobody could be asked about it.
        calls = 1 if ways.is_open(way.account_state) else size
        return Wanted(calls, 1, limit, pace.lead, provider.call_seconds)
    calls = 2 if _looks_before(provider, way) else 1
    return Wanted(calls, calls, limit, pace.lead, in_turn=True)


def _looks_before(provider: Provider, way: Way) -> bool:
    """Tell whether the survey is looked at before the call.

    For the highest id, where a lost call is to be looked for; and always as the breaker's probe, since a look that gets
    lost leaves nothing in doubt.
    """
    if provider.one_by_one:
        return False
    return ways.is_open(way.account_state) or not provider.replays_key


def _keeps_address(campaign: Campaign, provider: Provider, group: Sequence[Candidate]) -> bool:
    """Tell whether who is asked at once is remembered. Who has a token is: another campaign may need it."""
    if campaign.keep_address == "always" or provider.one_by_one:
        return True
    return any(each.told and each.told.token for each in group)


def _without_token(candidates: Sequence[Candidate]) -> list[Move]:
    """Return the end of those whom this provider can't name, where the campaign doesn't ask by e-mail."""
    return [
        Move(each.invitation, State.ENDED, reason=Reason.NO_TOKEN.value)
        for each in candidates
        if each.customer.token is None
    ]
