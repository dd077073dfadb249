from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from afterword.deciding.clocks import FURTHEST_AHEAD, TimeTravelError, business_now
from tests.support.samples import DAY, HOUR, NOW

if TYPE_CHECKING:
    from collections.abc import Mapping


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def now_by(event: Mapping[str, object], *, allow_time_travel: bool = False) -> int:
    return business_now(event, NOW, allow_time_travel=allow_time_travel)


@pytest.mark.parametrize("field", ["now", "scheduled_time"])
def test_an_event_may_say_what_time_it_is(field: str) -> None:
    assert now_by({field: iso(NOW - HOUR)}) == NOW - HOUR


def test_now_counts_for_more_than_the_schedules_time() -> None:
    assert now_by({"now": iso(NOW - DAY), "scheduled_time": iso(NOW - HOUR)}) == NOW - DAY


def test_any_zone_will_do() -> None:
    told = datetime.fromtimestamp(NOW - HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert now_by({"now": f"{told}+02:00"}) == NOW - 3 * HOUR
    assert now_by({"now": f"{told}Z"}) == NOW - HOUR


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"now": None},
        {"scheduled_time": None},
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        {"detail-type": "Scheduled Event"},
    ],
)
def test_an_event_without_a_time_means_the_wall_clock(event: dict[str, object]) -> None:
    assert now_by(event) == NOW


@pytest.mark.parametrize("field", ["now", "scheduled_time"])
@pytest.mark.parametrize(
    "value",
    [
        "2027-01-15T08:00:00",
        "2027-01-15",
        "tomorrow, says jana@example.com",
        "",
        "2027-13-01T00:00:00Z",
        NOW,
        False,
        {"at": "jana@example.com"},
    ],
)
def test_what_is_no_time_with_a_zone_is_refused_by_the_fields_name(
    field: str, value: object
) -> None:
    with pytest.raises(TimeTravelError) as caught:
        now_by({field: value}, allow_time_travel=True)
    assert str(caught.value) == (
        f"{field}: should be ISO 8601 with a zone, like 2026-12-21T10:00:00Z"
    )


@pytest.mark.parametrize("field", ["now", "scheduled_time"])
def test_a_time_may_be_as_far_ahead_as_clocks_differ(field: str) -> None:
    assert FURTHEST_AHEAD == 300
    assert now_by({field: iso(NOW + 300)}) == NOW + 300
    told = iso(NOW + 301)
    with pytest.raises(TimeTravelError, match=rf"^{field}: lies over 300 seconds") as caught:
        now_by({field: told})
    assert not re.search(r"2027|jana", str(caught.value))


def test_only_where_it_is_allowed_may_a_run_travel_in_time() -> None:
    assert now_by({"now": iso(NOW + 30 * DAY)}, allow_time_travel=True) == NOW + 30 * DAY


def test_the_past_may_be_repeated_anywhere() -> None:
    assert now_by({"now": iso(NOW - 400 * DAY)}) == NOW - 400 * DAY
