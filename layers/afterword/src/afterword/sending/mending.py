"""Looks after batches that nobody finished: leases that ran out, calls in doubt, calls to be verified.

docs/design.md, rules 2, 6 and 8. Every step may be repeated, and is taken by one run at a time: by whoever first puts
the batch's `due` off.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from afterword.deciding.account_errors import AccountError
from afterword.deciding.rules import Reason, stopped_by
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import BatchState, Move, State
from afterword.sending import batches, passage, ways
from afterword.sending.budget import Wanted
from afterword.sending.guarding import guarded
from afterword.sending.members import recipients, terms_of
from afterword.sending.passage import Pace
from afterword.sending.provider import KEY_TAKEN, Each, LookUpError, Refused, Sent
from afterword.sending.sender import LEASE_GRACE
from afterword.sending.ways import Blocked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Customer, Invitation, Key, Way
    from afterword.sending.provider import Outcome, Provider, Retry, Seen, Uncertain

_logger = logging.getLogger(__name__)
_MOST_BATCHES = 25
# The shortest that a provider is known to keep an idempotency key is two hours; the replay stays well within.
REPLAY_FOR = 6000
# A survey waits for its batch in doubt. After a day without an answer a person must hear of it.
LOOK_FOR = 86_400
# How far the provider's clock may be from ours.
_SKEW = 120
_ABSENT_TWICE = 2
_MOST_LOOKS = 5
_DROPPED = f"ended.{Reason.PROVIDER_DROPPED}"


class Mender:
    """Finishes other invocations' batches.

    Args:
        ledger: The ledger.
        provider_of: Returns the provider behind an account's name; raises AccountError, ParametersError.
        campaigns: By id.
        clock: Wall time, Unix seconds.
        deadline: Wall time at which this invocation ends.
        pace: Tells the time to the split second; None: by the clock.

    Attributes:
        became: By campaign: how many of its invitations became what.
    """

    def __init__(
        self,
        ledger: Ledger,
        provider_of: Callable[[str], Provider],
        campaigns: Mapping[str, Campaign],
        clock: Callable[[], int],
        deadline: int,
        pace: Pace | None = None,
    ) -> None:
        self._ledger = ledger
        self._provider_of = provider_of
        self._campaigns = campaigns
        self._clock = clock
        self._deadline = deadline
        self._pace = Pace((pace or Pace(clock)).now)
        self.became: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def mend(self) -> Counter[str]:
        """Take one step with each batch that is due; return how many invitations became what.

        Half of the time that is left is not touched: it is for what is due.
        """
        counts: Counter[str] = Counter()
        until = (self._clock() + self._deadline) // 2
        seen: set[str] = set()
        while self._clock() <= until:
            due = self._ledger.due_batches(self._clock(), _MOST_BATCHES)
            new = [each for each in due if each.id not in seen]
            if not new:
                break
            for batch in new:
                if self._clock() <= until:
                    became = guarded(f"batch {batch.id}", partial(self._take, batch))
                    self.became[batch.campaign].update(became)
                    counts += became
            seen |= {each.id for each in new}
        return counts

    def _take(self, batch: Batch) -> Counter[str]:
        """Take one step with a batch, unless somebody was faster."""
        mine = replace(batch, due=self._deadline + LEASE_GRACE)
        if not self._ledger.change_batch(batch, mine):
            return Counter()
        try:
            return self._mend(mine)
        except (AccountError, ParametersError) as error:
            _logger.warning("batch %s waits: %s", batch.id, error)
            now = self._clock()
            if mine.state is not BatchState.SENT and now - mine.created_at > LOOK_FOR:
                return self._hold(mine, "broken_account")
            self._put_off(mine, now + batches.LOOK_AFTER)
            return Counter(broken_account=1)

    def _mend(self, batch: Batch) -> Counter[str]:
        match batch.state:
            case BatchState.CLAIMING | BatchState.RELEASING:
                reason = batch.reason or "lease_ran_out"
                return batches.release(self._ledger, batch, reason=reason)
            case BatchState.CALLING:
                return self._doubt(batch)
            case BatchState.SENT if batch.provider_id is None:
                return self._close(batch, BatchState.SENT, Counter())
            case _:
                return self._ask(batch)

    def _doubt(self, batch: Batch) -> Counter[str]:
        """Its function was killed in mid-call. That says nothing of the provider's health."""
        provider = self._provider_of(batch.account)
        if provider.one_by_one:
            return self._decide(batch)
        at = batches.check_at(provider, self._clock())
        doubt = replace(batch, state=BatchState.UNCERTAIN, reason=batches.KILLED, due=at)
        self._ledger.change_batch(batch, doubt)
        passage.keep(self._ledger, doubt, at)
        return Counter(uncertain=batch.size)

    def _decide(self, batch: Batch) -> Counter[str]:
        """Do as the campaign says with calls that nobody can be asked about: hold them, or send them again."""
        campaign = self._campaigns.get(batch.campaign)
        if campaign and campaign.when_uncertain == "resend":
            return batches.release(self._ledger, batch, reason=batches.KILLED)
        return self._hold(batch, batches.KILLED)

    def _ask(self, batch: Batch) -> Counter[str]:
        """Ask the provider, within its rate and alone on the survey."""
        provider, now = self._provider_of(batch.account), self._clock()
        in_doubt_for = now - (batch.called_at or 0)
        if batch.state is BatchState.UNCERTAIN and in_doubt_for > patience(provider):
            return batches.hold(self._ledger, batch, "unanswered", now)
        if now + provider.call_seconds > self._deadline:
            return self._put_off(batch, now)
        known = self._ledger.read_way(batch.account, batch.survey)
        wanted = Wanted(1, 1, provider.calls_per_minute)
        way = passage.take(self._ledger, known, batch, wanted, self._pace)
        if isinstance(way, Blocked):
            return self._put_off(batch, min(way.until, now + batches.LOOK_AFTER))
        if batch.state is BatchState.SENT:
            return self._verify(provider, batch, now)
        if provider.replays_key:
            return self._replay(provider, way, batch)
        return self._look(provider, batch, now)

    def _replay(self, provider: Provider, way: Way, batch: Batch) -> Counter[str]:
        """Call again under the batch's key: the answer is the first call's, or this call makes up for it."""
        claimed = batches.members(self._ledger, batch)
        if not claimed:
            # Ended as refused by a run that was killed before it could say so here.
            return batches.release(self._ledger, batch, reason=batch.reason)
        campaign = self._campaigns.get(batch.campaign)
        customers = self._ledger.read_customers([each.customer for each in claimed])
        if any(_is_untold(customers.get(each.customer)) for each in claimed):
            # The function died before it could remember them: the queue brings their events again.
            pause = batches.REPLAY_AFTER * 2 ** min(batch.checks, 4)
            return self._ask_again(batch, self._clock() + pause)
        left = self._find_left(campaign, claimed, customers) if campaign else {}
        staying = [customers[each.customer] for each in claimed if each.key not in left]
        if campaign is None or not staying:
            return self._hold(batch, "replay_would_differ")
        body = provider.encode(recipients(campaign, staying), terms_of(campaign))
        return self._call_again(provider, way, batch, body, claimed, left)

    def _call_again(
        self,
        provider: Provider,
        way: Way,
        batch: Batch,
        body: bytes,
        claimed: Sequence[Invitation],
        left: Mapping[Key, str],
    ) -> Counter[str]:
        tried, mine = (batch.digest or "").split(), sha256(body).hexdigest()
        # Before the call: if its answer is lost, too, the next one must know that there were two different ones.
        noted = replace(batch, digest=" ".join(dict.fromkeys([*tried, mine])))
        if not self._ledger.change_batch(batch, noted):
            return Counter()
        outcome: Outcome = provider.invite(batch.survey, body, batch.id)
        others = [each for each in tried if each != mine]
        if outcome == KEY_TAKEN and others:
            # Somebody changed or left since. The key is this batch's alone, so that another call of it was processed.
            if others != tried[:1]:
                return self._hold(noted, "replay_would_differ")
            outcome, left = Sent(None), {}
        now = self._clock()
        if isinstance(outcome, Sent):
            counts = self._part_from(batch, claimed, left)
            noted = replace(noted, size=len(claimed) - len(left))
            return counts + batches.record(self._ledger, provider, way, noted, outcome, now)
        if isinstance(outcome, Refused | Each):
            return batches.record(self._ledger, provider, way, noted, outcome, now)
        batches.tell_of_call(batch, outcome)
        # That this call was turned away, or lost as well, says nothing of the first one.
        pause = batches.REPLAY_AFTER * 2 ** min(batch.checks, 4)
        return self._ask_again(noted, now + pause, outcome)

    def _find_left(
        self, campaign: Campaign, claimed: Sequence[Invitation], customers: Mapping[str, Customer]
    ) -> dict[Key, str]:
        """Find who is not to be asked any more, and why: customers who left, and what was refunded since."""
        marks = self._ledger.read_marks([each.key.occasion for each in claimed])
        left: dict[Key, str] = {}
        for each in claimed:
            if suppressed := customers[each.customer].suppressed:
                left[each.key] = suppressed
            elif reason := stopped_by(marks.get(each.key.occasion), campaign):
                left[each.key] = reason.value
        return left

    def _part_from(
        self, batch: Batch, claimed: Sequence[Invitation], left: Mapping[Key, str]
    ) -> Counter[str]:
        """End the invitations of those who left before they were asked."""
        moves = [
            Move(each, State.ENDED, reason=left[each.key], gives_back=batch.notes)
            for each in claimed
            if each.key in left
        ]
        self._ledger.move(moves)
        return batches.count_moves(moves)

    def _look(self, provider: Provider, batch: Batch, now: int) -> Counter[str]:
        """Look for the call's invitation among those that the survey has had since."""
        try:
            seen = provider.list_after(batch.survey, batch.after_id or 0)
        except LookUpError as error:
            pause = error.retry.after or batches.LOOK_AFTER
            return self._ask_again(batch, now + pause, error.retry, checks=batch.checks)
        if not seen and batch.checks + 1 < _ABSENT_TWICE:
            return self._ask_again(batch, now + batches.LOOK_AFTER)
        if not seen:
            return batches.release(self._ledger, batch, reason="not_at_provider")
        if not is_ours(batch, seen, provider.call_seconds):
            return self._hold(batch, "ambiguous_at_provider")
        sent = replace(batch, state=BatchState.SENT, provider_id=seen[0].id, reason=None)
        verify_at = now + batches.LOOK_AFTER
        self._ledger.change_batch(batch, replace(sent, checks=0, due=verify_at))
        passage.free(self._ledger, batch)
        return Counter(sent=batch.size)

    def _verify(self, provider: Provider, batch: Batch, now: int) -> Counter[str]:
        """Accepted is not invited: look once at what became of the call."""
        try:
            seen = provider.show(batch.survey, batch.provider_id or 0)
        except LookUpError as error:
            # That a look failed is no word on the survey, but may be one on the account.
            says = error.retry if ways.concerns_account(error.retry) else None
            if batch.checks + 1 < _MOST_LOOKS:
                pause = error.retry.after or batches.LOOK_AFTER
                return self._ask_again(batch, now + pause, says)
            self._settle(batch, now, says)
            return self._close(batch, BatchState.SENT, Counter(unverified=batch.size))
        if seen.status == "failed":
            return self._hold(batch, "failed_at_provider")
        if seen.status == "zero_recipients":
            dropped = Counter({_DROPPED: batch.size})
            return self._close(batch, BatchState.DROPPED, dropped)
        reached = batch.size if seen.recipients is None else min(seen.recipients, batch.size)
        return self._close(batch, BatchState.SENT, +Counter({_DROPPED: batch.size - reached}))

    def _close(self, batch: Batch, state: BatchState, counts: Counter[str]) -> Counter[str]:
        passage.free(self._ledger, batch)  # Before: nobody looks after a closed batch's way.
        self._ledger.change_batch(batch, replace(batch, state=state, due=None))
        return counts

    def _hold(self, batch: Batch, reason: str) -> Counter[str]:
        return batches.hold(self._ledger, batch, reason, self._clock())

    def _put_off(self, batch: Batch, until: int) -> Counter[str]:
        """Look after a batch later: nobody was asked."""
        self._ledger.change_batch(batch, replace(batch, due=until))
        if batch.state is not BatchState.SENT:
            passage.keep(self._ledger, batch, until)
        return Counter()

    def _ask_again(
        self,
        batch: Batch,
        until: int,
        outcome: Retry | Uncertain | None = None,
        checks: int | None = None,
    ) -> Counter[str]:
        """Ask again later, and draw the conclusions for the way: it may have been the breaker's probe."""
        now, checked = self._clock(), batch.checks + 1 if checks is None else checks
        self._ledger.change_batch(batch, replace(batch, due=until, checks=checked))
        self._settle(batch, now, outcome, until)
        return Counter()

    def _settle(
        self, batch: Batch, now: int, outcome: Retry | Uncertain | None, until: int = 0
    ) -> None:
        """Draw the conclusions for the way; a batch in doubt keeps its slot `until` somebody looks again."""

        def settle(known: Way) -> Way:
            if outcome is None:
                known = ways.give_back(known, batch.id)
            else:
                known = ways.settle(known, batch.id, outcome, batch.size, until, now)
            in_doubt = batch.state is BatchState.UNCERTAIN
            return ways.keep(known, batch.id, until) if in_doubt else known

        passage.change(self._ledger, passage.way_of(batch), settle)


def patience(provider: Provider) -> int:
    """Return after how many seconds of doubt a batch is left to a person."""
    return REPLAY_FOR if provider.replays_key else LOOK_FOR


def _is_untold(customer: Customer | None) -> bool:
    return customer is None or (customer.email is None and not customer.suppressed)


def is_ours(batch: Batch, seen: Sequence[Seen], call_seconds: int) -> bool:
    """Tell whether what the provider shows since the call can only be this batch.

    Exactly one, created while the call was on, with no more recipients than it had: a provider drops, it doesn't add.
    """
    if len(seen) != 1 or batch.called_at is None:
        return False
    begun, ended = batch.called_at - _SKEW, batch.called_at + call_seconds + _SKEW
    few = seen[0].recipients is None or seen[0].recipients <= batch.size
    return begun <= seen[0].created_at <= ended and few
