"""The way to a provider, decided on plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.remembering.records import AccountState, SlotState, Way
from afterword.sending.budget import Wanted
from afterword.sending.provider import Each, Refused, Retry, Sent, Uncertain
from afterword.sending.ways import (
    BREAKER_FAILURES,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    SLOT_GRACE,
    Blocked,
    begin,
    begins_at,
    give_back,
    is_blocked,
    keep,
    refuses_too_many,
    settle,
    take,
)

NOW = 6000  # A minute begins here.
FREE = Way("shop", 1)
OUTAGE = Retry("unreachable", outage=True)


def wanted(calls: int, limit: int = 100) -> Wanted:
    return Wanted(calls, calls, limit)


def taken(way: Way = FREE, holder: str = "B1", now: int = NOW, limit: int = 100) -> Way:
    result = take(way, holder=holder, until=now + 60, wanted=wanted(1, limit), now=now)
    assert isinstance(result, Way), result
    return result


def refused(way: Way, now: int = NOW, holder: str = "B2", limit: int = 10) -> Blocked:
    result = take(way, holder=holder, until=now + 60, wanted=wanted(1, limit), now=now)
    assert isinstance(result, Blocked), result
    return result


def after(outcome: object, way: Way | None = None, size: int = 1, now: int = NOW) -> Way:
    return settle(way or taken(now=now), "B1", outcome, size, now + 600, now)  # type: ignore[arg-type]  # any outcome


def broken(times: int, now: int = NOW) -> Way:
    way = FREE
    for _ in range(times):
        way = replace(way, account_state=replace(way.account_state, not_before=0))
        way = after(OUTAGE, taken(way, now=now), now=now)
    return way


def test_one_call_is_in_flight_per_survey() -> None:
    assert refused(taken()) == Blocked(NOW + 60, "survey_busy")
    assert taken(taken(), holder="B1").slot.holder == "B1"
    assert taken(taken(), now=NOW + 60, holder="B2").slot.holder == "B2"


def test_a_free_way_is_given_back_by_its_holder_only() -> None:
    assert give_back(taken(), "B1").slot.holder is None
    assert give_back(taken(), "B2").slot.holder == "B1"


def test_the_budget_is_the_account_s_per_minute() -> None:
    way = FREE
    for number in range(3):
        way = give_back(taken(way, holder=f"B{number}", limit=3), f"B{number}")
    assert refused(way, limit=3) == Blocked(NOW + 61, "rate_budget")
    assert taken(way, now=NOW + 61, limit=3).account_state.spent == f"{NOW + 61}.00:1"


def test_several_calls_of_one_batch_are_taken_at_once() -> None:
    used = give_back(taken(FREE, holder="B0", limit=2), "B0")
    result = take(used, holder="B1", until=NOW, wanted=wanted(2, 2), now=NOW)
    assert result == Blocked(NOW + 61, "rate_budget")


def test_a_batch_that_takes_more_than_a_minute_s_budget_goes_alone_in_a_minute() -> None:
    first = take(FREE, holder="B1", until=NOW, wanted=wanted(2, 1), now=NOW)
    assert isinstance(first, Way)
    assert refused(give_back(first, "B1"), limit=1) == Blocked(NOW + 61, "rate_budget")


def test_who_comes_later_than_reserved_counts_from_then_on() -> None:
    way = taken(limit=2)
    assert begin(way, "B1", wanted(1, 2), NOW + 0.2) == way
    late = begin(way, "B1", wanted(1, 2), NOW + 9.5)
    assert isinstance(late, Way)
    assert (late.account_state.spent, late.slot.begins) == (f"{NOW + 9}.50:1", (NOW + 9.5) * 1000)


def looking(now: float, *spent: float, lead: float = 9) -> Way:
    """Return the way as taken for a look and then a call, of an account that may be asked thrice a minute."""
    noted = " ".join(f"{at:.2f}:1" for at in spent)
    way = replace(FREE, account_state=replace(FREE.account_state, spent=noted))
    pair = Wanted(2, 2, 3, lead, in_turn=True)
    result = take(way, holder="B1", until=NOW + 60, wanted=pair, now=now)
    assert isinstance(result, Way), result
    return result


def test_a_look_goes_in_the_last_place_of_a_minute_and_its_call_in_the_next_one() -> None:
    way, both = looking(NOW + 60.25, NOW, NOW + 4, NOW + 30), Wanted(2, 2, 3, 9, in_turn=True)
    last = replace(both, calls=1, least=1)
    assert (begins_at(way.slot, both), begins_at(way.slot, last)) == (NOW + 60.25, NOW + 64.25)
    assert begin(way, "B1", both, NOW + 60.5) == way
    assert begin(way, "B1", last, NOW + 64.5) == way


def test_where_there_is_room_a_call_waits_for_nothing_after_its_look() -> None:
    way = looking(NOW + 0.1)
    assert begins_at(way.slot, Wanted(1, 1, 3, in_turn=True)) == NOW + 0.1


def test_a_look_that_is_late_takes_its_call_along() -> None:
    way, both = looking(NOW + 60.3, NOW, NOW + 4, NOW + 30), Wanted(2, 2, 3, 9, in_turn=True)
    assert (
        way.account_state.spent == f"{NOW + 4}.00:1 {NOW + 30}.00:1 {NOW + 60}.50:1 {NOW + 64}.25:1"
    )
    late = begin(way, "B1", both, NOW + 66)
    assert isinstance(late, Way)
    assert late.account_state.spent == f"{NOW + 30}.00:1 {NOW + 66}.00:2"


def test_a_call_that_is_late_after_its_look_counts_from_then_on() -> None:
    way, last = looking(NOW, lead=0), Wanted(1, 1, 3, in_turn=True)
    late = begin(way, "B1", last, NOW + 3)
    assert isinstance(late, Way)
    assert late.account_state.spent == f"{NOW}.00:1 {NOW + 3}.00:1"
    assert begin(late, "B1", last, NOW + 3) == late


def test_the_breaker_s_own_probe_may_be_late() -> None:
    probing = taken(broken(BREAKER_FAILURES), now=NOW + SHORTEST_PAUSE)
    begun = begin(probing, "B1", wanted(1), NOW + SHORTEST_PAUSE + 5)
    assert isinstance(begun, Way)
    assert begun.account_state.probe_until == probing.account_state.probe_until


def test_what_opened_the_breaker_meanwhile_stops_who_is_late() -> None:
    way = taken()
    opened = replace(way, account_state=replace(way.account_state, not_before=NOW + 30))
    assert begin(opened, "B1", wanted(1), NOW + 5) == Blocked(NOW + 30, "provider_paused")


def test_nobody_begins_with_a_slot_that_is_another_s() -> None:
    assert begin(taken(holder="B2"), "B1", wanted(1), NOW) == Blocked(NOW, "survey_busy")


def test_calls_that_went_on_for_less_long_count_for_less_long() -> None:
    many = Wanted(25, 1, 100, lasts=20)
    way = take(FREE, holder="B1", until=NOW + 60, wanted=many, now=NOW)
    assert isinstance(way, Way)
    assert way.account_state.spent == f"{NOW + 20}.00:25"
    outcome = Each((Sent(None),) * 25)
    assert after(outcome, way, now=NOW + 2).account_state.spent == f"{NOW + 3}.00:25"
    assert after(outcome, way, now=NOW + 19).account_state.spent == f"{NOW + 20}.00:25"


def test_as_many_are_taken_as_there_is_room_for() -> None:
    used = give_back(taken(limit=30), "B1")
    way = take(used, holder="B2", until=NOW, wanted=Wanted(40, 1, 30), now=NOW)
    assert isinstance(way, Way)
    assert way.slot.calls == 29


def test_who_gives_back_what_another_has_frees_neither_slot_nor_probe() -> None:
    probing = taken(broken(3), holder="B1", now=NOW + 60)
    assert give_back(probing, "B2") == probing
    assert give_back(probing, "B1").account_state.probe_until == 0


def test_whoever_ends_while_another_survey_is_probed_does_not_end_the_probe() -> None:
    later = NOW + SHORTEST_PAUSE
    flying = replace(taken(), account_state=broken(3).account_state)
    probe = taken(replace(flying, survey=2, slot=SlotState()), holder="B2", now=later)
    account = replace(probe.account_state, probe_until=later + 99)
    here = replace(flying, account_state=account)
    for left in (give_back(here, "B1"), after(OUTAGE, here), keep(here, "B1", NOW + 600)):
        assert left.account_state.probe_until == later + 99
    assert after(Uncertain("u"), here).account_state.probe_until == later + 99


def test_a_probe_that_nobody_finished_is_taken_up_by_who_looks_after_its_batch() -> None:
    later = NOW + SHORTEST_PAUSE
    probing = taken(broken(BREAKER_FAILURES), now=later)
    assert refused(probing, now=later, holder="B2").reason == "breaker_probing"
    assert taken(probing, now=later, holder="B1").account_state.probe_until == later + 60


def test_a_probe_in_doubt_is_over() -> None:
    later = NOW + SHORTEST_PAUSE
    kept = keep(taken(broken(BREAKER_FAILURES), now=later), "B1", later + 600)
    assert kept.account_state.probe_until == 0
    elsewhere = replace(kept, survey=2, slot=SlotState())
    assert taken(elsewhere, now=later, holder="B2").slot.holder == "B2"


@pytest.mark.parametrize("outcome", [Sent(1), Refused("r"), Retry("http_429", whole_account=True)])
def test_whoever_was_on_the_way_when_the_account_was_told_to_wait_does_not_shorten_it(
    outcome: object,
) -> None:
    waiting = AccountState(not_before=NOW + 500)
    ended = after(outcome, replace(taken(), account_state=waiting))
    assert ended.account_state.not_before == NOW + 500


def test_a_batch_in_doubt_keeps_no_slot_that_is_another_s() -> None:
    other = taken(FREE, holder="B1")
    assert keep(other, "B2", NOW + 600) == other
    assert keep(other, "B1", NOW + 600).slot.until == NOW + 600 + SLOT_GRACE
    assert keep(FREE, "B2", NOW + 600).slot.holder == "B2"


def test_a_sent_call_frees_the_way_and_ends_the_failures() -> None:
    way = after(Sent(1), taken(broken(2)), size=5)
    assert (way.slot.holder, way.slot.sent) == (None, 5)
    assert way.account_state.failures == 0
    assert way.account_state.not_before <= NOW


def test_the_breaker_opens_after_three_failures_in_a_row() -> None:
    assert broken(BREAKER_FAILURES - 1).account_state.not_before <= NOW
    assert refused(broken(BREAKER_FAILURES)) == Blocked(NOW + SHORTEST_PAUSE, "provider_paused")


def test_an_open_breaker_lets_one_probe_through_for_all_surveys() -> None:
    later = NOW + SHORTEST_PAUSE
    probing = taken(broken(BREAKER_FAILURES), now=later)
    elsewhere = replace(probing, survey=2, slot=SlotState())
    assert refused(elsewhere, now=later) == Blocked(later + 60, "breaker_probing")
    healed = settle(probing, "B1", Sent(1), 1, later, later)
    free = replace(elsewhere, account_state=healed.account_state)
    assert taken(free, now=later).slot.holder == "B1"


def test_a_probe_that_fails_pauses_twice_as_long_up_to_a_limit() -> None:
    def pause(times: int) -> int:
        return broken(times).account_state.not_before - NOW

    assert pause(BREAKER_FAILURES + 1) == 2 * SHORTEST_PAUSE
    assert pause(BREAKER_FAILURES + 30) == LONGEST_PAUSE


def test_refused_credentials_open_the_breaker_at_once() -> None:
    way = after(Retry("credentials", whole_account=True, breaks=True))
    assert refused(way).reason == "provider_paused"


def test_an_outage_s_own_word_outweighs_a_shorter_pause() -> None:
    way = after(Retry("http_503", after=700, whole_account=True, outage=True))
    assert refused(way).until == NOW + 700


def test_a_shorter_word_of_an_outage_does_not_shorten_the_breaker_s_pause() -> None:
    way = after(replace(OUTAGE, after=1), taken(broken(BREAKER_FAILURES), now=NOW + 60))
    assert way.account_state.not_before == NOW + 2 * SHORTEST_PAUSE


def test_a_failure_does_not_shorten_how_long_the_account_was_told_to_wait() -> None:
    waiting = AccountState(not_before=NOW + 500)
    assert (
        after(OUTAGE, replace(taken(), account_state=waiting)).account_state.not_before == NOW + 500
    )


def test_a_sent_call_ends_its_survey_s_failures() -> None:
    failing = taken()
    failing = replace(failing, slot=replace(failing.slot, failures=3))
    assert after(Sent(1), failing).slot.failures == 0


def test_a_429_pauses_the_account_and_breaks_nothing() -> None:
    way = after(Retry("http_429", after=90, whole_account=True))
    assert refused(way) == Blocked(NOW + 90, "provider_paused")
    assert way.account_state.failures == 0
    assert refused(after(Retry("http_429", whole_account=True))).until == NOW + 60


def test_a_busy_survey_pauses_alone() -> None:
    way = after(Retry("still_being_sent", after=60))
    assert refused(way) == Blocked(NOW + 60, "survey_paused")
    assert is_blocked(replace(way, survey=2, slot=SlotState()), NOW) is None


def test_a_survey_that_keeps_failing_pauses_longer_each_time() -> None:
    first = after(Retry("http_404"))
    second = after(Retry("http_404"), taken(first, now=first.slot.not_before))
    assert second.slot.failures == 2
    assert second.slot.not_before - NOW > first.slot.not_before - NOW


def test_an_uncertain_call_keeps_its_slot_and_counts_as_a_failure() -> None:
    way = after(Uncertain("http_502"))
    assert (way.slot.holder, way.slot.until) == ("B1", NOW + 600 + SLOT_GRACE)
    assert way.account_state.failures == 1
    assert refused(way, now=NOW + 600).reason == "survey_in_doubt"
    assert taken(way, now=NOW + 600, holder="B1").slot.holder == "B1"


def test_a_refused_batch_counts_nobody_until_it_has_been_halved_to_one() -> None:
    assert after(Refused("http_422"), size=2).slot.refused == 0
    assert after(Refused("http_422"), size=1).slot.refused == 1


def test_the_day_s_counts_begin_anew() -> None:
    old = replace(FREE, slot=SlotState(day=0, sent=9, refused=9))
    way = after(Sent(1), taken(old, now=90_000), size=2, now=90_000)
    assert (way.slot.sent, way.slot.refused) == (2, 0)


@pytest.mark.parametrize(
    ("sent", "refused_", "too_many"),
    [(0, 3, False), (0, 4, True), (96, 4, False), (75, 4, True), (76, 4, False)],
)
def test_over_5_percent_and_more_than_a_few_refusals_are_too_many(
    sent: int, refused_: int, *, too_many: bool
) -> None:
    assert refuses_too_many(SlotState(sent=sent, refused=refused_)) is too_many


def test_a_blocked_lane_is_seen_without_taking_anything() -> None:
    spent = replace(FREE, account_state=AccountState(spent=f"{NOW}.00:99"))
    assert is_blocked(spent, NOW) is None
    assert is_blocked(taken(), NOW) == Blocked(NOW + 60, "survey_busy")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Sent(1), Refused("r"), OUTAGE, Uncertain("u"), Retry("r", after=5)]),
            st.integers(0, 400),
        ),
        max_size=30,
    )
)
def test_whatever_happens_the_way_is_free_again_some_time(
    history: list[tuple[object, int]],
) -> None:
    way, now = FREE, NOW
    for outcome, pause in history:
        now += pause
        result = take(way, holder="B1", until=now + 60, wanted=wanted(1, 1000), now=now)
        way = settle(result, "B1", outcome, 1, now + 60, now) if isinstance(result, Way) else way  # type: ignore[arg-type]  # any outcome
    much_later = now + 2 * SLOT_GRACE
    assert isinstance(
        take(way, holder="B2", until=much_later, wanted=wanted(1, 1000), now=much_later), Way
    )


@given(
    limit=st.integers(2, 6),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([0, 0.1, 0.3, 1, 3, 9, 40])),
        min_size=20,
        max_size=120,
    ),
)
def test_however_late_looks_and_calls_are_no_minute_has_more_than_its_share(
    limit: int, steps: list[tuple[int, bool, float]]
) -> None:
    now, account, made = float(NOW), FREE.account_state, list[float]()
    # Of each survey: what its batch has reserved, and how many requests are still to be made.
    on: dict[int, tuple[Way, int]] = {}
    for survey, looks, pause in steps:
        now += pause
        if survey not in on:
            calls = 2 if looks else 1
            pair = Wanted(calls, calls, limit, 10, in_turn=True)
            free = Way("shop", survey, account)
            way = take(free, holder="B", until=0, wanted=pair, now=now)
            if isinstance(way, Way):
                account, on[survey] = way.account_state, (way, calls)
            continue
        way, left = on.pop(survey)
        still = Wanted(left, left, limit, 10, in_turn=True)
        now = max(now, begins_at(way.slot, still))
        begun = begin(replace(way, account_state=account), "B", still, now)
        if isinstance(begun, Way) and begins_at(begun.slot, still) <= now:
            made.append(now)
            account = begun.account_state
            if left > 1:
                on[survey] = begun, left - 1
    for begins in made:
        assert len([at for at in made if begins <= at < begins + 60]) <= limit
