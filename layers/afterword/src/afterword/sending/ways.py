"""Whether the way to a provider is free: breaker, pause, budget and slot, as pure decisions.

All times are wall times in Unix seconds. The state is shared by all instances; the ledger swaps it under a version, so
of two who decide on the same state one is refused and decides again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from afterword.remembering.pauses import paused_until
from afterword.sending import budget
from afterword.sending.provider import Each, Refused, Retry, Sent, Uncertain

if TYPE_CHECKING:
    from afterword.remembering.records import AccountState, SlotState, Way
    from afterword.sending.budget import Wanted
    from afterword.sending.provider import Outcome

# How long a slot outlives the time at which somebody looks after its batch. Until that has been done, nobody else may
# call the survey: an unknown invitation there must be this batch's.
SLOT_GRACE = 3600
BREAKER_FAILURES = 3
SHORTEST_PAUSE = 30
LONGEST_PAUSE = 900
MINUTE = 60
MILLISECONDS = 1000
DAY = 86_400
# For so many seconds after a request was to be made, nobody has reserved for a time at which it would not have counted.
KEEPS_ITS_PLACE = 45
MOST_REFUSED = 0.05
# Below this a share says nothing: one refusal out of one is a bad address, not a broken survey.
FEWEST_REFUSED = 3
# The only block that a person has made.
PAUSED = "paused"
# What is over in a minute or less.
SPENT = "rate_budget"
BUSY = "survey_busy"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The way is not free. Wall time, in Unix seconds, at which to look again."""

    until: int
    reason: str


def take(
    way: Way,
    *,
    holder: str,
    until: int,
    wanted: Wanted,
    now: float,
    campaign: str | None = None,
) -> Way | Blocked:
    """Take the way for one batch.

    Args:
        way: As read.
        holder: The batch that will be in flight.
        until: When its lease runs out.
        wanted: The requests that it takes from the account's budget. How many it got, and from when, is in the slot.
        now: Wall time.
        campaign: Whose batch it is; None: whichever campaign's.
    """
    if blocked := is_blocked(way, now, campaign, holder):
        return blocked
    reserved = budget.reserve(way.account_state.spent, wanted, now)
    if not isinstance(reserved, budget.Reserved):
        return Blocked(ceil(reserved), SPENT)
    probe_until = until if is_open(way.account_state) else 0
    return replace(
        way,
        account_state=replace(way.account_state, spent=reserved.spent, probe_until=probe_until),
        slot=replace(
            way.slot,
            holder=holder,
            until=until,
            begins=ceil(reserved.begins * MILLISECONDS),
            ends=ceil(reserved.ends * MILLISECONDS),
            calls=reserved.calls,
        ),
    )


def is_blocked(
    way: Way, now: float, campaign: str | None = None, holder: str | None = None
) -> Blocked | None:
    """Return what blocks a campaign's whole lane for now, so that nobody needs to read it."""
    account, slot = way.account_state, way.slot
    is_anothers = is_open(account) and not _is_probe(way, holder)
    blocks = (
        (paused_until(way.pauses, way.account, campaign), PAUSED),
        (account.not_before, "provider_paused"),
        (account.probe_until if is_anothers else 0, "breaker_probing"),
        (slot.not_before, "survey_paused"),
        (slot.until if slot.holder not in {None, holder} else 0, _occupied(slot)),
    )
    return next((Blocked(until, reason) for until, reason in blocks if until > now), None)


def would_block(way: Way, campaign: str, wanted: Wanted, now: float) -> Blocked | None:
    """Return what would block a batch that were to take the way now."""
    taken = take(way, holder="", until=0, wanted=wanted, now=now, campaign=campaign)
    return taken if isinstance(taken, Blocked) else None


def begins_at(slot: SlotState, wanted: Wanted) -> float:
    """Return for which wall time those requests are reserved that are still to be made: all, or the last one."""
    return (slot.begins if wanted.calls == slot.calls else slot.ends) / MILLISECONDS


def begin(way: Way, holder: str, wanted: Wanted, now: float) -> Way | Blocked:
    """Return the way as it is when the calls begin: if later than was reserved, they count from now on.

    Args:
        way: As read.
        holder: The batch that is about to call.
        wanted: The requests that are still to be made.
        now: Wall time.
    """
    slot, account = way.slot, way.account_state
    if slot.holder != holder:
        return Blocked(ceil(now), BUSY)
    if now <= begins_at(slot, wanted) + budget.LATE:
        return way
    if wanted.in_turn and now < begins_at(slot, wanted) + KEEPS_ITS_PLACE:
        return is_blocked(way, now, holder=holder) or _put_off(way, wanted, now)
    spent = budget.note(account.spent, -wanted.calls, slot.ends / MILLISECONDS, now)
    without = replace(way, account_state=replace(account, spent=spent))
    return take(without, holder=holder, until=slot.until, wanted=wanted, now=now)


def _put_off(way: Way, wanted: Wanted, now: float) -> Way:
    """Count what was reserved from now on: whoever came later has left room for it."""
    slot = way.slot
    first, last = slot.begins / MILLISECONDS, slot.ends / MILLISECONDS
    ends = max(last, now)
    moves = [(last, ends)] if wanted.calls == 1 else [(first, now), (last, ends)]
    spent = way.account_state.spent
    for before, after in moves:
        spent = budget.note(budget.note(spent, -1, before, now), 1, after, now)
    return replace(
        way,
        account_state=replace(way.account_state, spent=spent),
        slot=replace(
            slot,
            begins=ceil(now * MILLISECONDS),
            ends=ceil(ends * MILLISECONDS),
            calls=wanted.calls,
        ),
    )


def give_back(way: Way, holder: str) -> Way:
    """Free the slot, and the probe that went with it, unless they are another batch's by now."""
    return replace(way, account_state=_end_probe(way, holder), slot=_freed(way.slot, holder))


def keep(way: Way, holder: str, until: int) -> Way:
    """Leave the slot to a batch in doubt, unless it is another's by now; `until` somebody looks after it.

    If it was the breaker's probe, that is over: other surveys need not wait for what becomes of it.
    """
    if way.slot.holder not in {None, holder}:
        return way
    slot = replace(way.slot, holder=holder, until=until + SLOT_GRACE, calls=0)
    return replace(way, account_state=_end_probe(way, holder), slot=slot)


def settle(way: Way, holder: str, outcome: Outcome, size: int, check_at: int, now: int) -> Way:
    """Free the slot after a call, unless its outcome is uncertain, and draw the conclusions for those who come next.

    Args:
        way: As read.
        holder: The batch that was in flight.
        outcome: What became of the call.
        size: The batch's recipients.
        check_at: When an uncertain call will be looked into; the batch keeps the survey's slot until then.
        now: Wall time.
    """
    account = _end_probe(way, holder)
    slot = _freed(way.slot, holder)
    match outcome:
        case Each():
            way = _note_end(way, holder, len(outcome.outcomes), now)
            way = settle(way, holder, outcome.for_the_way(), 0, check_at, now)
            sent, refused = outcome.count_sent(), outcome.count_refused()
            return replace(way, slot=_count(way.slot, now, sent=sent, refused=refused))
        case Sent():
            # Who took the way was past `not_before`: what stands there now came since, and is to be kept.
            account = replace(account, failures=0)
            slot = replace(_count(slot, now, sent=size), failures=0, not_before=0)
        case Refused():
            account = replace(account, failures=0)
            slot = replace(_count(slot, now, refused=size if size == 1 else 0), failures=0)
        case Uncertain():
            account = _fail(account, now)
            return keep(replace(way, account_state=account, slot=slot), holder, check_at)
        case Retry(outage=True) | Retry(breaks=True):
            account = _fail(account, now, outcome)
        case Retry(whole_account=True):
            until = now + (outcome.after or MINUTE)
            account = replace(account, not_before=max(account.not_before, until))
        case Retry():
            failures = slot.failures + 1
            pause = outcome.after or _pause(failures)
            slot = replace(slot, failures=failures, not_before=now + pause)
    return replace(way, account_state=account, slot=slot)


def refuses_too_many(slot: SlotState) -> bool:
    """Tell whether so many of today's recipients were refused that the survey, not they, must be at fault."""
    return slot.refused > FEWEST_REFUSED and slot.refused > MOST_REFUSED * (
        slot.sent + slot.refused
    )


def concerns_account(retry: Retry) -> bool:
    """Tell whether what an answer says holds for all surveys."""
    return retry.outage or retry.breaks or retry.whole_account


def is_open(account: AccountState) -> bool:
    """Tell whether the breaker has opened; once its pause is over, one probe at a time may go."""
    return account.failures >= BREAKER_FAILURES


def _fail(account: AccountState, now: int, retry: Retry | None = None) -> AccountState:
    failures = account.failures + 1
    if retry and retry.breaks:
        failures = max(failures, BREAKER_FAILURES)
    pause = _pause(failures - BREAKER_FAILURES) if failures >= BREAKER_FAILURES else 0
    if retry and retry.after:
        pause = max(pause, retry.after)
    return replace(account, failures=failures, not_before=max(account.not_before, now + pause))


def _pause(step: int) -> int:
    return min(SHORTEST_PAUSE << min(step, 10), LONGEST_PAUSE)


def _is_probe(way: Way, holder: str | None) -> bool:
    """Tell whether the breaker's one probe is this batch's: it took both until the same time."""
    return way.slot.holder == holder and way.account_state.probe_until == way.slot.until


def _end_probe(way: Way, holder: str) -> AccountState:
    mine = _is_probe(way, holder)
    return replace(way.account_state, probe_until=0) if mine else way.account_state


def _freed(slot: SlotState, holder: str) -> SlotState:
    if slot.holder != holder:
        return slot
    return replace(slot, holder=None, until=0, begins=0, calls=0)


def _occupied(slot: SlotState) -> str:
    """Tell a call in flight, which is over soon, from one in doubt."""
    return BUSY if slot.calls else "survey_in_doubt"


def _note_end(way: Way, holder: str, calls: int, now: int) -> Way:
    """Note that calls which could have gone on for longer are over, `now` in whole seconds."""
    slot, account = way.slot, way.account_state
    if slot.holder != holder or slot.ends <= (now + 1) * MILLISECONDS:
        return way
    spent = budget.note(account.spent, -slot.calls, slot.ends / MILLISECONDS, now)
    spent = budget.note(spent, calls, now + 1, now)
    return replace(way, account_state=replace(account, spent=spent))


def _count(slot: SlotState, now: int, *, sent: int = 0, refused: int = 0) -> SlotState:
    if slot.day != now // DAY:
        slot = replace(slot, day=now // DAY, sent=0, refused=0)
    return replace(slot, sent=slot.sent + sent, refused=slot.refused + refused)
