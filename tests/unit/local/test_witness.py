from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from afterword.remembering.records import (
    Batch,
    BatchState,
    Customer,
    Invitation,
    Key,
    Occasion,
    State,
)
from local import witness

DUE = int(datetime(2026, 12, 21, 10, 5, tzinfo=UTC).timestamp())
KEY = Key(Occasion("demo", "signup", "C-1"), "after-signup")
BATCH = Batch("b", "after-signup", "a", 1, 1, DUE, None, BatchState.UNCERTAIN)


@pytest.mark.parametrize(
    ("state", "reason", "batch", "expected"),
    [
        (State.PENDING, None, None, "due on 21 December 2026, 10:05 UTC"),
        (State.CLAIMED, None, BATCH, "uncertain"),
        (State.CLAIMED, None, None, "claimed"),
        (State.ENDED, "refunded", None, "ended, refunded"),
        (State.HELD, "refused", None, "held, refused"),
    ],
)
def test_each_standing_has_words(
    state: State, reason: str | None, batch: Batch | None, expected: str
) -> None:
    invitation = Invitation(KEY, "c", DUE, DUE, state, reason)
    assert witness._standing(invitation, batch) == expected


def test_a_time_is_told_in_utc() -> None:
    prague = timezone(timedelta(hours=1))
    assert witness.moment(datetime(2026, 2, 1, 0, 30, tzinfo=prague)) == (
        "31 January 2026, 23:30 UTC"
    )


@pytest.mark.parametrize(
    "customer",
    [
        Customer("v1:k", email="a@example.com"),
        Customer("v1:k", name="Ada"),
        Customer("v1:k", language="en-GB"),
        Customer("v1:k", zone="Europe/London"),
        Customer("v1:k", token="t"),
    ],
)
def test_any_personal_field_makes_a_customer_known(customer: Customer) -> None:
    assert witness._is_personal(customer)


def test_nothing_is_known_of_a_customer_who_was_erased() -> None:
    assert not witness._is_personal(Customer("v1:k", suppressed="erased", erased_at=1))


@pytest.mark.parametrize(
    ("body", "inside"),
    [('{"detail": {"id": 1}}', {"id": 1}), ('{"id": 1}', None), ("[1]", None), ("junk", None)],
)
def test_a_dead_letter_that_came_another_way_is_passed_over(body: str, inside: object) -> None:
    assert witness._inside(body) == inside
