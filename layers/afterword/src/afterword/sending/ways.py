"""Whether the way to a provider is free: breaker, pause, budget and slot, as pure decisions.

All times are wall times in Unix seconds. The state is shared by all instances; the ledger swaps it under a version, so
of two who decide on the same state one is refused and decides again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from afterword.remembering.pauses import paused_until
from afterword.sending.provider import Each, Refused, Retry, Sent, Uncertain

if TYPE_CHECKING:
    from afterword.remembering.records import AccountState, SlotState, Way
    from afterword.sending.provider import Outcome

# How long a slot outlives the time at which somebody looks after its batch. Until that has been done, nobody else may
# call the survey: an unknown invitation there must be this batch's.
SLOT_GRACE = 3600
BREAKER_FAILURES = 3
SHORTEST_PAUSE = 30
LONGEST_PAUSE = 900
MINUTE = 60
DAY = 86_400
MOST_REFUSED = 0.05
# Below this a share says nothing: one refusal out of one is a bad address, not a broken survey.
FEWEST_REFUSED = 3
# The only block that a person has made.
PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The way is not free. Wall time, in Unix seconds, at which to look again."""

    until: int
    reason: str


def take(  # noqa: PLR0913 - A way's whole decision, by name.
    way: Way,
    *,
    holder: str,
    until: int,
    calls: int,
    limit: int,
    now: int,
    campaign: str | None = None,
) -> Way | Blocked:
    """Take the way for one batch.

    Args:
        way: As read.
        holder: The batch that will be in flight.
        until: When its lease runs out.
        calls: How many requests it takes from this minute's budget.
        limit: The account's requests a minute.
        now: Wall time.
        campaign: Whose batch it is; None: whichever campaign's.
    """
    account, slot = way.account_state, way.slot
    used = account.used if account.minute == now // MINUTE else 0
    blocks = (
        (paused_until(way.pauses, way.account, campaign), PAUSED),
        (account.not_before, "provider_paused"),
        (account.probe_until if _is_open(account) else 0, "breaker_probing"),
        (slot.not_before, "survey_paused"),
        (slot.until if slot.holder not in {None, holder} else 0, "survey_busy"),
        # What takes more than a whole minute's budget goes first in a minute, or never.
        (_next_minute(now) if used and used + calls > limit else 0, "rate_budget"),
    )
    for blocked_until, reason in blocks:
        if blocked_until > now:
            return Blocked(blocked_until, reason)
    return replace(
        way,
        account_state=replace(
            account,
            minute=now // MINUTE,
            used=used + calls,
            probe_until=until if _is_open(account) else 0,
        ),
        slot=replace(slot, holder=holder, until=until),
    )


def is_blocked(way: Way, now: int, campaign: str | None = None) -> Blocked | None:
    """Return what blocks a campaign's whole lane for now, so that nobody needs to read it."""
    used = way.account_state.used
    taken = take(way, holder="", until=now, calls=0, limit=used, now=now, campaign=campaign)
    return taken if isinstance(taken, Blocked) else None


def give_back(way: Way, holder: str) -> Way:
    """Free the slot, and the probe that went with it, unless they are another batch's by now."""
    if way.slot.holder != holder:
        return way
    return replace(
        way,
        account_state=replace(way.account_state, probe_until=0),
        slot=_freed(way.slot, holder),
    )


def keep(way: Way, holder: str, until: int) -> Way:
    """Leave the slot to a batch in doubt, unless it is another's by now; `until` somebody looks after it."""
    if way.slot.holder not in {None, holder}:
        return way
    return replace(way, slot=replace(way.slot, holder=holder, until=until + SLOT_GRACE))


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
    account = replace(way.account_state, probe_until=0)
    slot = _freed(way.slot, holder)
    match outcome:
        case Each():
            way = settle(way, holder, outcome.for_the_way(), 0, check_at, now)
            sent, refused = outcome.count_sent(), outcome.count_refused()
            return replace(way, slot=_count(way.slot, now, sent=sent, refused=refused))
        case Sent():
            account = replace(account, failures=0, not_before=0)
            slot = replace(_count(slot, now, sent=size), failures=0, not_before=0)
        case Refused():
            account = replace(account, failures=0, not_before=0)
            slot = replace(_count(slot, now, refused=size if size == 1 else 0), failures=0)
        case Uncertain():
            account = _fail(account, now)
            return keep(replace(way, account_state=account, slot=slot), holder, check_at)
        case Retry(outage=True) | Retry(breaks=True):
            account = _fail(account, now, outcome)
        case Retry(whole_account=True):
            account = replace(account, not_before=now + (outcome.after or MINUTE))
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


def _is_open(account: AccountState) -> bool:
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


def _freed(slot: SlotState, holder: str) -> SlotState:
    return replace(slot, holder=None, until=0) if slot.holder == holder else slot


def _count(slot: SlotState, now: int, *, sent: int = 0, refused: int = 0) -> SlotState:
    if slot.day != now // DAY:
        slot = replace(slot, day=now // DAY, sent=0, refused=0)
    return replace(slot, sent=slot.sent + sent, refused=slot.refused + refused)


def _next_minute(now: int) -> int:
    return (now // MINUTE + 1) * MINUTE
