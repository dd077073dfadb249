import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.reading.envelopes import Envelope, open_envelope
from afterword.reading.poison import PoisonError

STEADY = settings(derandomize=True, deadline=None, max_examples=200)
EVENT = {"type": "purchase", "id": "evt-1"}
# As EventBridge delivers an event to a queue, a replay's mark included.
DELIVERED = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "purchase",
    "source": "shop.demo",
    "account": "123456789012",
    "time": "2026-11-01T10:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": EVENT,
    "replay-name": "again",
}


def poison(body: str) -> PoisonError:
    with pytest.raises(PoisonError) as caught:
        open_envelope(body)
    return caught.value


def test_a_raw_event_is_its_own_payload() -> None:
    assert open_envelope(json.dumps(EVENT)) == Envelope("raw", EVENT)


def test_an_event_from_a_bus_is_its_detail_and_says_where_it_came_from() -> None:
    assert open_envelope(json.dumps(DELIVERED)) == Envelope(
        "eventbridge", EVENT, source="shop.demo", detail_type="purchase"
    )


def test_a_bus_event_with_odd_labels_is_opened_all_the_same() -> None:
    opened = open_envelope(json.dumps(DELIVERED | {"source": 1, "detail-type": None}))
    assert opened == Envelope("eventbridge", EVENT)


def test_a_raw_event_may_have_a_field_called_detail() -> None:
    assert open_envelope('{"type":"purchase","detail":"x"}').name == "raw"


@pytest.mark.parametrize("detail", ["text", 1, None, [EVENT], json.dumps(EVENT)])
def test_a_bus_event_whose_detail_is_no_object_is_poison(detail: object) -> None:
    error = poison(json.dumps(DELIVERED | {"detail": detail}))
    assert (error.reason, error.detail) == ("invalid_event", "detail: it should be an object")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("Test message.", id="text"),
        pytest.param('{"type": NaN}', id="nan"),
        pytest.param('{"type": Infinity}', id="infinity"),
        pytest.param('{"type": -Infinity}', id="minus-infinity"),
        pytest.param('{"type": "\\ud800"}', id="escaped-lone-surrogate"),
        pytest.param('{"type": "\ud800"}', id="raw-lone-surrogate"),
        pytest.param("[" * 100_000, id="deep-list"),
        pytest.param('{"a":' * 100_000 + "1" + "}" * 100_000, id="deep-object"),
        pytest.param('{"a": 1' + "0" * 10_000 + "}", id="endless-number"),
        pytest.param('\ufeff{"type": "purchase"}', id="byte-order-mark"),
        pytest.param('{"type": "purchase"} {}', id="two-values"),
        pytest.param("{'type': 'purchase'}", id="python"),
    ],
)
def test_what_is_not_json_is_poison(body: str) -> None:
    assert poison(body).reason == "not_json"


@pytest.mark.parametrize("body", ["null", "1", '"text"', "[]", '[{"type":"purchase"}]', "true"])
def test_json_that_is_no_object_is_no_event(body: str) -> None:
    assert poison(body).reason == "no_known_event"


def test_the_reason_for_broken_json_does_not_quote_it() -> None:
    assert "ada" not in poison('{"email": ada@example.com}').detail


def outcome(body: str) -> str:
    try:
        return open_envelope(body).name
    except PoisonError as error:
        return error.reason


@STEADY
@given(st.text(max_size=200) | st.text(alphabet='{}[]":,\\ud8019eNaI-+. ', max_size=80))
def test_no_text_brings_the_reader_down(body: str) -> None:
    assert outcome(body) in {"raw", "eventbridge", "not_json", "no_known_event", "invalid_event"}


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@STEADY
@given(st.dictionaries(st.sampled_from(["detail", "detail-type", "source", "type"]), ANY_JSON))
def test_every_object_is_opened_or_named_invalid(outside: dict[str, object]) -> None:
    if not {"detail", "detail-type"} <= outside.keys():
        expected = "raw"
    else:
        expected = "eventbridge" if isinstance(outside["detail"], dict) else "invalid_event"
    assert outcome(json.dumps(outside)) == expected
