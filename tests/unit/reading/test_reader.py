import json

import pytest

from afterword.reading.poison import PoisonError
from afterword.reading.reader import read

OCCURRED = 1793527200
EVENT = {
    "type": "erasure",
    "version": 1,
    "id": "evt-1",
    "shop": "demo",
    "occurred_at": "2026-11-01T10:00:00Z",
    "email": "ada@example.com",
}


def test_an_event_is_the_same_in_every_envelope() -> None:
    raw = json.dumps(EVENT)
    delivered = json.dumps({"detail-type": "erasure", "source": "shop.demo", "detail": EVENT})
    assert read(raw, OCCURRED) == read(delivered, OCCURRED)


def test_the_bus_cannot_say_that_an_event_is_another() -> None:
    body = json.dumps({"detail-type": "purchase", "source": "shop.demo", "detail": EVENT})
    assert read(body, OCCURRED).type == "erasure"


def test_a_clock_may_be_five_minutes_ahead() -> None:
    assert read(json.dumps(EVENT), OCCURRED - 300).occurred == OCCURRED


def test_what_has_not_happened_yet_is_poison() -> None:
    with pytest.raises(PoisonError) as caught:
        read(json.dumps(EVENT), OCCURRED - 301)
    assert caught.value.reason == "in_the_future"
    assert caught.value.detail == "occurred_at: over 300 seconds from now"
    assert str(caught.value) == f"in_the_future: {caught.value.detail}"


def test_an_old_event_is_no_poison() -> None:
    assert read(json.dumps(EVENT), OCCURRED + 10**9).id == "evt-1"
