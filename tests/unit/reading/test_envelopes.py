import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.reading.envelopes import MOST_ENVELOPES, Envelope, open_envelope
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


TOPIC = "arn:aws:sns:eu-central-1:123456789012:orders"
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "ce-1",
    "source": "/shops/demo",
    "type": "order.paid",
    "time": "2026-11-01T11:00:00.1234+01:00",
    "astring": "an extension",
}
ENCODED = b64encode(json.dumps(EVENT).encode()).decode()


def notification(message: object, **changes: object) -> dict[str, Any]:
    """As SNS delivers a message to a queue."""
    known = {
        "Type": "Notification",
        "MessageId": "a7c9d2fa-77fa-5184-9de9-89391027cc7d",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-11-01T10:00:00.287Z",
        "UnsubscribeURL": "https://sns.example.com/?Action=Unsubscribe",
    }
    return known | changes


def test_a_raw_event_is_its_own_payload() -> None:
    """So is one that SNS delivers raw."""
    assert open_envelope(json.dumps(EVENT)) == Envelope("raw", EVENT, source="raw")


def test_an_event_from_a_bus_is_its_detail_and_says_where_it_came_from() -> None:
    assert open_envelope(json.dumps(DELIVERED)) == Envelope(
        "eventbridge",
        EVENT,
        source="shop.demo",
        detail_type="purchase",
        id="6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        time="2026-11-01T10:00:00Z",
    )


def test_a_replayed_event_is_the_same_event() -> None:
    first = {name: value for name, value in DELIVERED.items() if name != "replay-name"}
    assert open_envelope(json.dumps(first)) == open_envelope(json.dumps(DELIVERED))


def test_a_bus_event_with_odd_labels_is_opened_all_the_same() -> None:
    odd: dict[str, Any] = {"source": 1, "detail-type": None, "id": [], "time": {}}
    assert open_envelope(json.dumps(DELIVERED | odd)) == Envelope("eventbridge", EVENT)


def test_a_notification_of_sns_is_its_message_and_says_which_topic() -> None:
    assert open_envelope(json.dumps(notification(EVENT))) == Envelope(
        "sns",
        EVENT,
        source=TOPIC,
        id="a7c9d2fa-77fa-5184-9de9-89391027cc7d",
        time="2026-11-01T10:00:00.287Z",
    )


@pytest.mark.parametrize("data", [{"data": EVENT}, {"data_base64": ENCODED}])
def test_a_cloudevent_is_its_data_and_says_its_type(data: dict[str, Any]) -> None:
    assert open_envelope(json.dumps(CLOUD_EVENT | data)) == Envelope(
        "cloudevents",
        EVENT,
        source="/shops/demo",
        detail_type="order.paid",
        id="ce-1",
        time="2026-11-01T11:00:00.1234+01:00",
    )


@pytest.mark.parametrize(
    ("body", "name", "source"),
    [
        (notification(DELIVERED), "eventbridge", "shop.demo"),
        (notification(CLOUD_EVENT | {"data": EVENT}), "cloudevents", "/shops/demo"),
        (DELIVERED | {"detail": CLOUD_EVENT | {"data": EVENT}}, "cloudevents", "/shops/demo"),
        (DELIVERED | {"detail": notification(EVENT)}, "sns", TOPIC),
        (
            notification(DELIVERED | {"detail": notification(CLOUD_EVENT | {"data": EVENT})}),
            "cloudevents",
            "/shops/demo",
        ),
    ],
)
def test_of_envelopes_in_one_another_the_innermost_counts(
    body: dict[str, Any], name: str, source: str
) -> None:
    opened = open_envelope(json.dumps(body))
    assert (opened.name, opened.source, opened.payload) == (name, source, EVENT)


def test_envelopes_may_not_lie_in_one_another_for_ever() -> None:
    body: dict[str, Any] = EVENT
    for _ in range(MOST_ENVELOPES):
        body = CLOUD_EVENT | {"data": body}
    assert open_envelope(json.dumps(body)).payload == EVENT
    assert poison(json.dumps(CLOUD_EVENT | {"data": body})).reason == "too_many_envelopes"


@pytest.mark.parametrize(
    "event",
    [
        EVENT | {"detail": "x"},
        EVENT | {"specversion": "1.0"},
        EVENT | {"Type": "Notification", "Message": "{}"},
    ],
)
def test_a_raw_event_may_have_fields_of_an_envelope(event: dict[str, Any]) -> None:
    assert open_envelope(json.dumps(event)) == Envelope("raw", event, source="raw")


@pytest.mark.parametrize("detail", ["text", 1, None, [EVENT], json.dumps(EVENT)])
def test_a_bus_event_whose_detail_is_no_object_is_poison(detail: object) -> None:
    error = poison(json.dumps(DELIVERED | {"detail": detail}))
    assert (error.reason, error.detail) == ("invalid_event", "detail: it should be an object")


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (notification("no JSON"), "not_json", "Message: "),
        (notification([EVENT]), "no_known_event", "Message is JSON, but no object"),
        (notification(EVENT, Message=EVENT), "invalid_event", "Message: it should be a text"),
        (
            notification("confirm", Type="SubscriptionConfirmation"),
            "no_notification",
            "Type: it should be Notification",
        ),
        (notification("bye", Type="UnsubscribeConfirmation"), "no_notification", "Type: "),
        (CLOUD_EVENT, "invalid_event", "give exactly one of data and data_base64"),
        (
            CLOUD_EVENT | {"data": EVENT, "data_base64": ENCODED},
            "invalid_event",
            "give exactly one of data and data_base64",
        ),
        (CLOUD_EVENT | {"data": "<xml/>"}, "invalid_event", "data: it should be an object"),
        (CLOUD_EVENT | {"data_base64": "e30"}, "invalid_event", "data_base64: "),
        (CLOUD_EVENT | {"data_base64": "ä"}, "invalid_event", "data_base64: "),
        (CLOUD_EVENT | {"data_base64": 1}, "invalid_event", "data_base64: "),
        (CLOUD_EVENT | {"data_base64": "/w=="}, "not_json", "data_base64: "),
        (CLOUD_EVENT | {"data_base64": "W10="}, "no_known_event", "data_base64 is JSON"),
        (
            CLOUD_EVENT | {"specversion": "0.3", "data": EVENT},
            "unknown_version",
            "specversion: it should be 1.0",
        ),
        (
            CLOUD_EVENT | {"id": 1, "type": "", "data": EVENT},
            "invalid_event",
            "id, type: it should be a text",
        ),
    ],
)
def test_an_envelope_that_is_not_as_it_should_be_is_poison(
    body: dict[str, Any], reason: str, detail: str
) -> None:
    error = poison(json.dumps(body))
    assert error.reason == reason
    assert error.detail.startswith(detail)


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


@pytest.mark.parametrize(
    "body",
    [
        '{"email": ada@example.com}',
        json.dumps(notification('{"email": ada@example.com}')),
        json.dumps(notification("ada@example.com", Type="ada@example.com")),
        json.dumps(CLOUD_EVENT | {"data_base64": "ada@example.com"}),
        json.dumps(CLOUD_EVENT | {"data": "ada@example.com"}),
        json.dumps(CLOUD_EVENT | {"specversion": "ada@example.com"}),
        json.dumps(DELIVERED | {"detail": "ada@example.com"}),
    ],
)
def test_no_reason_quotes_what_it_is_about(body: str) -> None:
    assert "ada" not in poison(body).detail


def outcome(body: str) -> str:
    try:
        return open_envelope(body).name
    except PoisonError as error:
        return error.reason


OPENED = {"raw", "eventbridge", "cloudevents", "sns"}
REFUSED = {
    "not_json",
    "no_known_event",
    "invalid_event",
    "unknown_version",
    "no_notification",
    "too_many_envelopes",
}


@STEADY
@given(st.text(max_size=200) | st.text(alphabet='{}[]":,\\ud8019eNaI-+. ', max_size=80))
def test_no_text_brings_the_reader_down(body: str) -> None:
    assert outcome(body) in OPENED | REFUSED


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
WORDS = st.sampled_from(["1.0", "Notification", "{}", "e30=", TOPIC])
OUTSIDE = st.sampled_from(
    sorted({*DELIVERED, *CLOUD_EVENT, *notification(""), "data", "data_base64"})
)


@STEADY
@given(st.recursive(WORDS | ANY_JSON, lambda inner: st.dictionaries(OUTSIDE, inner)))
def test_no_envelope_brings_the_reader_down(outside: object) -> None:
    assert outcome(json.dumps(outside)) in OPENED | REFUSED


@STEADY
@given(st.dictionaries(st.sampled_from(["detail", "detail-type", "source", "type"]), ANY_JSON))
def test_every_bus_event_is_opened_or_named_invalid(outside: dict[str, object]) -> None:
    if not {"detail", "detail-type"} <= outside.keys():
        expected = "raw"
    else:
        expected = "eventbridge" if isinstance(outside["detail"], dict) else "invalid_event"
    assert outcome(json.dumps(outside)) == expected
