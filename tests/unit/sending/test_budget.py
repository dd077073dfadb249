"""No minute, wherever it begins, has more requests than its share."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from afterword.sending.budget import COUNTS_FOR, LATE, Reserved, Wanted, note, reserve

NOW = 6000.0


def one(limit: int = 2, lead: float = 0) -> Wanted:
    return Wanted(1, 1, limit, lead)


def spend(*times: float) -> str:
    spent = ""
    for at in times:
        spent = note(spent, 1, at, at)
    return spent


def reserved(spent: str, wanted: Wanted, now: float) -> Reserved:
    found = reserve(spent, wanted, now)
    assert isinstance(found, Reserved), found
    return found


def test_requests_count_for_a_minute_and_the_quarter_that_a_call_may_be_late() -> None:
    spent = spend(NOW)
    assert reserve(spent, one(1), NOW + COUNTS_FOR - 0.01) == NOW + COUNTS_FOR
    assert reserved(spent, one(1), NOW + COUNTS_FOR).begins == NOW + COUNTS_FOR


def test_who_can_wait_reserves_ahead() -> None:
    spent = spend(NOW)
    at = NOW + COUNTS_FOR - 5
    assert reserved(spent, one(1, lead=5), at).begins == NOW + COUNTS_FOR
    assert reserve(spent, one(1, lead=4), at) == NOW + COUNTS_FOR - 4


def test_of_two_in_turn_each_goes_when_there_is_room_for_it() -> None:
    spent = spend(NOW, NOW + 1, NOW + 8)
    at = NOW + COUNTS_FOR
    pair = Wanted(2, 2, 3, lead=5, in_turn=True)
    assert reserve(spent, replace(pair, in_turn=False), at) == Reserved(
        at + 1, at + 1, 2, "6001.00:1 6008.00:1 6061.25:2"
    )
    assert reserve(spent, pair, at) == Reserved(
        at, at + 1, 2, "6001.00:1 6008.00:1 6060.25:1 6061.25:1"
    )


def test_two_in_turn_begin_only_if_the_second_needs_no_longer_wait() -> None:
    spent = spend(NOW, NOW + 6)
    pair = Wanted(2, 2, 2, lead=5, in_turn=True)
    assert reserve(spent, pair, NOW + COUNTS_FOR) == NOW + COUNTS_FOR + 1
    assert reserve(spent, replace(pair, lead=0), NOW + COUNTS_FOR) == NOW + COUNTS_FOR + 6


def test_more_in_turn_than_a_minute_has_go_at_once_or_they_never_would() -> None:
    pair = Wanted(2, 2, 1, in_turn=True)
    assert reserved("", pair, NOW).calls == 2
    assert reserve(spend(NOW), pair, NOW) == NOW + COUNTS_FOR


def test_what_is_reserved_for_later_counts_at_once() -> None:
    spent = note("", 1, NOW + 20, NOW)
    assert reserve(spent, one(1), NOW) == NOW + 20 + COUNTS_FOR


def test_requests_of_a_quarter_of_a_second_are_noted_at_its_end_and_taken_back_from_there() -> None:
    spent = note(note("", 1, NOW + 0.1, NOW), 2, NOW + 0.25, NOW)
    assert spent == "6000.25:3"
    assert note(spent, -3, NOW + 0.25, NOW) == ""


def test_what_counts_no_more_is_forgotten() -> None:
    spent = spend(NOW, NOW + 1)
    assert note(spent, 1, NOW + COUNTS_FOR, NOW + COUNTS_FOR) == "6001.00:1 6060.25:1"


@given(
    limit=st.integers(1, 20),
    asked=st.lists(
        st.tuples(
            st.floats(0, 30, allow_nan=False),
            st.integers(1, 8),
            st.sampled_from(["in parts", "in turn", "at once"]),
            st.floats(0, LATE, allow_nan=False),
        ),
        max_size=60,
    ),
)
def test_no_minute_has_more_than_its_share_wherever_it_begins(
    limit: int, asked: list[tuple[float, int, str, float]]
) -> None:
    now, spent = NOW, ""
    sent: list[tuple[float, int]] = []
    for pause, most, how, late in asked:
        now += pause
        calls = min(most, 2) if how == "in turn" else most
        least = 1 if how == "in parts" else min(calls, limit)
        wanted = Wanted(calls, least, limit, lead=5, in_turn=how == "in turn")
        found = reserve(spent, wanted, now)
        if isinstance(found, Reserved):
            assert now <= found.begins <= found.ends <= now + 5 + LATE
            spent = found.spent
            if how == "in turn" and calls == 2 <= limit:
                sent += [(found.begins + late, 1), (found.ends + late, 1)]
            else:
                sent.append((found.begins + late, min(found.calls, limit)))
    for begins, _ in sent:
        within = [calls for at, calls in sent if begins <= at < begins + 60]
        assert sum(within) <= limit
