"""No minute, wherever it begins, has more requests than its share."""

from __future__ import annotations

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


def test_requests_count_for_a_minute_and_the_quarter_that_a_call_may_be_late() -> None:
    spent = spend(NOW)
    assert reserve(spent, one(1), NOW + COUNTS_FOR - 0.01) == NOW + COUNTS_FOR
    assert reserve(spent, one(1), NOW + COUNTS_FOR) == Reserved(NOW + COUNTS_FOR, 1)


def test_who_can_wait_reserves_ahead() -> None:
    spent = spend(NOW)
    at = NOW + COUNTS_FOR - 5
    assert reserve(spent, one(1, lead=5), at) == Reserved(NOW + COUNTS_FOR, 1)
    assert reserve(spent, one(1, lead=4), at) == NOW + COUNTS_FOR - 4


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
            st.booleans(),
            st.floats(0, LATE, allow_nan=False),
        ),
        max_size=60,
    ),
)
def test_no_minute_has_more_than_its_share_wherever_it_begins(
    limit: int, asked: list[tuple[float, int, bool, float]]
) -> None:
    now, spent = NOW, ""
    sent: list[tuple[float, int]] = []
    for pause, calls, in_parts, late in asked:
        now += pause
        wanted = Wanted(calls, 1 if in_parts else min(calls, limit), limit, lead=5)
        reserved = reserve(spent, wanted, now)
        if isinstance(reserved, Reserved):
            assert now <= reserved.begins <= now + 5
            sent.append((reserved.begins + late, min(reserved.calls, limit)))
            spent = note(spent, reserved.calls, reserved.begins, now)
    for begins, _ in sent:
        within = [calls for at, calls in sent if begins <= at < begins + 60]
        assert sum(within) <= limit
