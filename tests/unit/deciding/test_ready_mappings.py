"""What becomes of the events of partners in events/, by the mappings that are ready and by one of a shop's own."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.deciding.mapping_texts import parse_mapping, ready_names
from afterword.deciding.mappings import Mapping, Mappings
from afterword.reading.envelopes import Envelope
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.skips import SkippedError

EVENTS = Path(__file__).parents[3] / "events"
GUIDE = (EVENTS.parent / "docs" / "mappings.md").read_text(encoding="utf-8")
NOW = 1793527260  # One minute after they occurred.
ADA = {"email": "ada@example.com", "name": "Ada Example", "token": None}
GRACE = {"email": "grace@example.com", "name": "Grace Example", "token": None}
COMMON = {"version": 1, "shop": "demo", "occurred_at": "2026-11-01T10:00:00Z"}
EXPECTED: dict[str, dict[str, Any]] = {
    "stripe-checkout-session-completed": {
        "type": "purchase",
        "id": "evt_011",
        "order_id": "pi_1",
        "customer": ADA | {"language": "de", "zone": None},
        "amount": "49.90",
        "currency": "EUR",
        "labels": {},
    },
    "stripe-charge-refunded": {
        "type": "refund",
        "id": "evt_012",
        "order_id": "pi_1",
        "amount": "10.00",
        "partial": True,
    },
    "stripe-customer-created": {
        "type": "signup",
        "id": "evt_013",
        "account_id": "cus_2",
        "customer": GRACE | {"language": "en-GB", "zone": None},
        "labels": {},
    },
    "segment-order-completed": {
        "type": "purchase",
        "id": "msg-1",
        "order_id": "S-1001",
        "customer": ADA | {"language": "en-US", "zone": "America/New_York"},
        "amount": "65.5",
        "currency": "USD",
        "labels": {},
    },
    "segment-signed-up": {
        "type": "signup",
        "id": "msg-2",
        "account_id": "user-2",
        "customer": GRACE | {"language": "en-GB", "zone": "Europe/London"},
        "labels": {},
    },
    "own-order": {
        "type": "purchase",
        "id": "17e8dff5-d6cd-3770-ace9-aeac02b6ac16",
        "order_id": "1001",
        "customer": ADA | {"name": "Ada", "language": None, "zone": None},
        "amount": "49.90",
        "currency": "EUR",
        "labels": {"channel": "web"},
    },
}


def partner(name: str) -> Any:
    return json.loads((EVENTS / "partners" / f"{name}.json").read_text())


def mappings() -> Mappings:
    texts = [json.dumps({"ready": name, "shop": "demo"}) for name in ready_names()]
    texts.append((EVENTS / "mappings" / "own-order.json").read_text())
    return Mappings([parse_mapping("m", text) for text in texts])


MAPPINGS = mappings()


def outcome(event: Any) -> str:
    try:
        return read(json.dumps(event), NOW, mappings().read).type
    except PoisonError as error:
        return error.reason
    except SkippedError as skipped:
        return skipped.reason


def test_every_partners_sample_has_its_mapping() -> None:
    samples = {path.stem for path in (EVENTS / "partners").iterdir()}
    assert samples == EXPECTED.keys() == {*ready_names(), "own-order"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_partners_event_becomes_a_shop_event(name: str) -> None:
    event = read(json.dumps(partner(name)), NOW, mappings().read)
    assert event.model_dump(mode="json") == COMMON | EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_without_its_mapping_it_is_no_known_event(name: str) -> None:
    with pytest.raises(PoisonError) as caught:
        read(json.dumps(partner(name)), NOW)
    assert caught.value.reason == "no_known_event"


# A change to a sample's detail, as path and value, and what it then becomes.
CHANGES: list[tuple[str, str, object, str]] = [
    ("stripe-checkout-session-completed", "livemode", False, "test_event"),
    ("stripe-checkout-session-completed", "data object payment_status", "unpaid", "not_paid"),
    ("stripe-checkout-session-completed", "data object payment_status", None, "not_paid"),
    ("stripe-checkout-session-completed", "data object customer_details email", "", "no_email"),
    ("stripe-checkout-session-completed", "data object amount_total", "49.90", "invalid_event"),
    ("stripe-customer-created", "livemode", False, "test_event"),
    ("stripe-customer-created", "data object email", None, "no_email"),
    ("stripe-customer-created", "data", None, "no_email"),
    ("stripe-charge-refunded", "livemode", False, "test_event"),
    ("stripe-charge-refunded", "data object payment_intent", None, "no_order"),
    ("stripe-charge-refunded", "data object amount", None, "invalid_event"),
    ("segment-order-completed", "context traits email", None, "no_email"),
    ("segment-order-completed", "context", None, "no_email"),
    ("segment-order-completed", "properties email", "eve@example.com", "purchase"),
    ("segment-order-completed", "properties order_id", 1001, "purchase"),
    ("segment-order-completed", "properties order_id", None, "invalid_event"),
    ("segment-order-completed", "event", "Order Updated", "not_mapped"),
    ("segment-order-completed", "event", "Completed Order", "purchase"),
    ("segment-order-completed", "timestamp", None, "purchase"),
    ("segment-order-completed", "timestamp", "2016", "invalid_event"),
    ("segment-order-completed", "timestamp", "2026-11-01T11:00:00Z", "in_the_future"),
    ("segment-signed-up", "properties email", None, "no_email"),
    ("segment-signed-up", "properties email", "grace", "invalid_event"),
    ("segment-signed-up", "properties first_name", None, "signup"),
    ("segment-signed-up", "properties first_name", 1, "invalid_event"),
    ("own-order", "order state", "open", "not_paid"),
    ("own-order", "test", True, "test_order"),
    ("own-order", "buyer", None, "no_email"),
]


@pytest.mark.parametrize(("name", "path", "value", "becomes"), CHANGES)
def test_an_event_that_is_not_as_usual_has_a_named_reason(
    name: str, path: str, value: object, becomes: str
) -> None:
    event = partner(name)
    node = event["detail"]
    *parents, last = path.split()
    for step in parents:
        node = node[step]
    node[last] = value
    assert outcome(event) == becomes


ANY_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NAMES = sorted(set(re.findall(r'"(\w+)":', "".join(map(json.dumps, map(partner, EXPECTED))))))
PAYLOADS = st.recursive(
    ANY_JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=20,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.sampled_from(sorted(EXPECTED)), st.dictionaries(st.sampled_from(NAMES), PAYLOADS))
def test_whatever_a_partner_sends_has_an_outcome(name: str, changes: dict[str, Any]) -> None:
    event = partner(name)
    envelope = Envelope(
        "eventbridge",
        event["detail"] | changes,
        source=event["source"],
        detail_type=event["detail-type"],
        id="evt-1",
        time=event["time"],
    )
    with suppress(PoisonError, SkippedError):
        assert MAPPINGS.read(envelope) is not None


def test_a_checkout_without_a_payment_intent_is_the_sessions() -> None:
    """Such as a subscription's: no refund will find it."""
    event = partner("stripe-checkout-session-completed")
    event["detail"]["data"]["object"]["payment_intent"] = None
    bought: Any = read(json.dumps(event), NOW, mappings().read)
    assert bought.occasion == "cs_live_1"


def test_stripe_may_not_know_the_language() -> None:
    event = partner("stripe-checkout-session-completed")
    event["detail"]["data"]["object"]["locale"] = "auto"
    bought: Any = read(json.dumps(event), NOW, mappings().read)
    assert bought.customer.language is None


def test_the_guides_own_mapping_is_the_sample_and_reads_the_guides_event() -> None:
    event, text, changed = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert json.loads(text) == json.loads((EVENTS / "mappings" / "own-order.json").read_text())
    assert outcome(json.loads(event) | {"id": "evt-1"}) == "purchase"
    assert "test_event" not in parse_mapping("m", changed).skip


@pytest.mark.parametrize("text", re.findall(r'`(\{"ready": .*?\})`', GUIDE))
def test_every_short_mapping_of_the_guide_loads(text: str) -> None:
    assert parse_mapping("m", text).event == "purchase"


def test_the_guide_lists_the_ready_mappings_with_what_they_skip() -> None:
    rows = re.findall(
        r"^\| `((?:stripe|segment)-[a-z-]+)` \| (\w+) \| (.*?) \|", GUIDE, re.MULTILINE
    )
    listed = [(name, event, re.findall(r"`(\w+)`", skips)) for name, event, skips in rows]
    loaded = [(name, ready_mapping(name)) for name in ready_names()]
    assert sorted(listed) == [(name, each.event, list(each.skip)) for name, each in loaded]


def ready_mapping(name: str) -> Mapping:
    return parse_mapping("m", json.dumps({"ready": name, "shop": "demo"}))


@pytest.mark.parametrize(
    "path", sorted((EVENTS / "mappings").iterdir()), ids=lambda path: path.stem
)
def test_every_sample_of_a_mapping_loads(path: Path) -> None:
    assert parse_mapping(path.stem, path.read_text()).shop == "demo"
