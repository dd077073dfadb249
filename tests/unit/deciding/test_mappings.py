from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from afterword.deciding.mapping_texts import MappingError, parse_mapping, ready, ready_names
from afterword.deciding.mappings import Mapping, Mappings
from afterword.reading.envelopes import Envelope
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import EVENT_TYPES, Purchase, read_shop_event
from afterword.reading.skips import SkippedError

PLANTED = "pl4nted"
FIELDS = {
    "id": "envelope.id",
    "occurred_at": "envelope.time",
    "order_id": "event.order.number",
    "customer.email": "event.buyer.mail",
}
MAPPING = {
    "source": "shop.legacy",
    "detail_type": "OrderPaid",
    "event": "purchase",
    "shop": "demo",
    "fields": FIELDS,
}
ORDER: dict[str, Any] = {"order": {"number": "A-1"}, "buyer": {"mail": "ada@example.com"}}
# What each kind of event must give, in mappings of their own.
LEAST = {
    "purchase": ["id", "occurred_at", "order_id", "customer.email"],
    "signup": ["id", "occurred_at", "customer.email"],
    "refund": ["id", "occurred_at", "order_id"],
    "cancellation": ["id", "occurred_at"],
    "unsubscribe": ["id", "occurred_at", "email"],
    "erasure": ["id", "occurred_at", "email"],
}


def mapping(name: str = "paid", **changes: Any) -> Mapping:
    return parse_mapping(name, json.dumps(MAPPING | changes))


def faults(**changes: Any) -> tuple[str, ...]:
    with pytest.raises(MappingError) as caught:
        mapping(**changes)
    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    return caught.value.faults


def envelope(payload: dict[str, Any] | None = None, **changes: Any) -> Envelope:
    known: dict[str, Any] = {
        "source": "shop.legacy",
        "detail_type": "OrderPaid",
        "id": "evt-1",
        "time": "2026-11-01T10:00:00Z",
    }
    return Envelope("eventbridge", ORDER if payload is None else payload, **(known | changes))


def poison(mapped: Mapping, payload: dict[str, Any]) -> PoisonError:
    with pytest.raises(PoisonError) as caught:
        mapped.read(envelope(payload))
    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_mapping_makes_a_shop_event_of_somebody_elses() -> None:
    assert mapping().read(envelope()) == read_shop_event(
        {
            "type": "purchase",
            "version": 1,
            "shop": "demo",
            "id": "evt-1",
            "occurred_at": "2026-11-01T10:00:00Z",
            "order_id": "A-1",
            "customer": {"email": "ada@example.com"},
        }
    )


def test_every_field_may_be_mapped_labels_with_any_name() -> None:
    more = {
        "amount": "event.total",
        "currency": "'EUR'",
        "customer.name": "event.buyer.name",
        "customer.language": "event.lang",
        "customer.zone": "event.zone",
        "customer.token": "event.token",
        "labels.channel": "'web'",
        "labels.a.b": "event.lang",
    }
    payload = ORDER | {"total": "19.90", "lang": "en", "zone": "Europe/Prague", "token": "t"}
    event = mapping(fields=FIELDS | more).read(envelope(payload))
    assert isinstance(event, Purchase)
    assert (str(event.amount), event.currency) == ("19.90", "EUR")
    assert event.labels == {"channel": "web", "a.b": "en"}
    assert (event.customer.zone, event.customer.token, event.customer.name) == (
        "Europe/Prague",
        "t",
        None,
    )


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_each_kind_of_event_can_be_mapped_and_needs_its_fields(kind: str) -> None:
    least = dict.fromkeys(LEAST[kind], "event.x")
    assert mapping(event=kind, fields=least).event == kind
    for name in least:
        others = {other: text for other, text in least.items() if other != name}
        assert faults(event=kind, fields=others) == (f"fields: a {kind} needs {name}",)


def test_all_that_is_wrong_is_named_and_no_expression_shown() -> None:
    found = faults(
        source="*",
        detail_type=1,
        when=f"{PLANTED}[",
        event=PLANTED,
        shop=f"{PLANTED} #",
        skip={"not_mapped": "a", "No": "a", "late": "nope(a)"},
        fields={"id": f"'{PLANTED}' )", "order_id": 5},
        note=PLANTED,
    )
    assert [line.split(":")[0] for line in found] == [
        "source",
        "detail_type",
        "when",
        "event",
        "shop",
        "skip.not_mapped.[key]",
        "skip.No.[key]",
        "skip.late",
        "fields.id",
        "fields.order_id",
        "note",
    ]
    assert "fields.id: no JMESPath: character 11" in found
    assert "fields.order_id: it should be a text with a JMESPath expression" in found


@pytest.mark.parametrize("name", ["account_id", "type", "version", "shop", "customer", "labels"])
def test_a_field_that_the_event_does_not_have_is_refused(name: str) -> None:
    assert faults(fields=FIELDS | {name: "a"}) == (f"fields: a purchase has no field {name}",)


def test_labels_are_for_events_that_have_some() -> None:
    fields = dict.fromkeys(LEAST["refund"], "a") | {"labels.channel": "a"}
    assert faults(event="refund", fields=fields) == (
        "fields: a refund has no field labels.channel",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLANTED, "not JSON: "),
        ("[]", "JSON, but no object"),
        ('{"ready": "pl4nted"}', "ready: there is segment-order-completed, "),
        ('{"ready": ["pl4nted"]}', "ready: there is segment-order-completed, "),
        ('{"name": "pl4nted"}', "name: leave it out"),
    ],
)
def test_a_text_that_is_no_mapping_says_why(text: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping("paid", text)
    assert str(caught.value).startswith(f"mapping paid: {said}")
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("shop.legacy", True),
        ("shop.*", True),
        ("shop.legacy*", True),
        ("shop", False),
        ("shop.legacy.*", False),
        ("SHOP.legacy", False),
    ],
)
def test_source_and_type_are_whole_or_begin_alike(pattern: str, *, fits: bool) -> None:
    assert (mapping(source=pattern).mismatch(envelope()) is None) is fits
    typed = mapping(detail_type=pattern).mismatch(envelope(detail_type="shop.legacy"))
    assert (typed is None) is fits


def test_a_mapping_says_what_an_event_does_not_fit() -> None:
    wanted = mapping(when="event.order")
    assert wanted.mismatch(envelope(source="shop.demo")) == "source"
    assert wanted.mismatch(envelope(source=None)) == "source"
    assert wanted.mismatch(envelope(detail_type="OrderSeen")) == "detail_type"
    assert wanted.mismatch(envelope(detail_type=None)) == "detail_type"
    assert wanted.mismatch(envelope({})) == "when"
    assert wanted.mismatch(envelope()) is None


def test_without_a_detail_type_every_type_fits() -> None:
    assert mapping(detail_type=None).mismatch(envelope(detail_type=None)) is None


def test_a_when_that_can_not_be_answered_is_poison() -> None:
    with pytest.raises(PoisonError) as caught:
        mapping(when="event.order < `1`").mismatch(envelope({"order": "x"}))
    assert caught.value.detail == "mapping paid: when: it can't be answered: TypeError"


def test_the_first_reason_to_skip_that_holds_is_named() -> None:
    skip = {"test_event": "event.test", "no_email": "!(event.buyer.mail)", "late": "event.late"}
    skipping = mapping(skip=skip)
    for payload, reason in [
        (ORDER | {"test": True, "late": True}, "test_event"),
        ({"order": ORDER["order"], "late": 1}, "no_email"),
        (ORDER | {"late": 0}, "late"),
    ]:
        with pytest.raises(SkippedError) as caught:
            skipping.read(envelope(payload))
        assert caught.value.reason == reason
    assert skipping.read(envelope(ORDER | {"test": False, "late": None})).id == "evt-1"


def test_a_skip_comes_before_any_field() -> None:
    with pytest.raises(SkippedError, match="skipped: no_email"):
        mapping(skip={"no_email": "!(event.buyer.mail)"}).read(envelope({}))


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        ({"order": {"number": "A-1"}}, "customer.email: Field required"),
        (ORDER | {"order": {"number": 1001}}, "order_id: Input should be a valid string"),
        (ORDER | {"buyer": {"mail": PLANTED}}, "customer.email: value is not a valid email"),
        (ORDER | {"order": {"number": {"x": PLANTED}}}, "order_id: Input should be a valid string"),
    ],
)
def test_what_does_not_become_a_shop_event_is_poison(payload: dict[str, Any], detail: str) -> None:
    error = poison(mapping(), payload)
    assert error.reason == "invalid_event"
    assert error.detail.startswith(f"mapping paid: {detail}")


def test_a_field_or_a_skip_that_can_not_be_answered_is_poison() -> None:
    payload = ORDER | {"at": PLANTED}
    error = poison(mapping(fields=FIELDS | {"occurred_at": "from_unix(event.at)"}), payload)
    assert error.detail == "mapping paid: occurred_at: from_unix() can't take: string"
    error = poison(mapping(skip={"late": "event.at < `1`"}), payload)
    assert error.detail == "mapping paid: skip.late: it can't be answered: TypeError"


def test_the_first_mapping_that_fits_is_the_one() -> None:
    mappings = Mappings(
        [
            mapping("a", detail_type="Other"),
            mapping("b", when="event.order.number == 'A-2'"),
            mapping("c", shop="c"),
            mapping("d", shop="d"),
        ]
    )
    event = mappings.read(envelope())
    assert event is not None
    assert event.shop == "c"


@pytest.mark.parametrize(
    "changes", [{"detail_type": "OrderSeen"}, {"payload": {}}, {"payload": {"type": ["purchase"]}}]
)
def test_what_no_mapping_of_a_known_source_wants_is_passed_over(changes: dict[str, Any]) -> None:
    with pytest.raises(SkippedError) as caught:
        Mappings([mapping(when="event.order")]).read(envelope(**changes))
    assert caught.value.reason == "not_mapped"


def test_a_known_source_may_send_shop_events_as_well() -> None:
    payload = {"type": "purchase", "version": 2}
    assert Mappings([mapping()]).read(envelope(payload, detail_type="purchase")) is None


def test_an_unknown_source_is_to_send_shop_events() -> None:
    assert Mappings([mapping()]).read(envelope(source="shop.demo")) is None
    assert Mappings([]).read(envelope()) is None


def test_what_comes_raw_is_mapped_by_what_it_says_or_is_to_be_a_shop_event() -> None:
    assert faults(source="raw", detail_type=None) == (
        "when: what comes raw needs it, to be told from shop events",
    )
    fields = FIELDS | {"id": "event.order.number", "occurred_at": "event.at"}
    raw = mapping(source="raw", detail_type=None, when="event.order", fields=fields)
    payload = ORDER | {"at": "2026-11-01T10:00:00Z"}
    mapped = Mappings([raw]).read(Envelope("raw", payload, source="raw"))
    assert mapped is not None
    assert mapped.id == "A-1"
    assert Mappings([raw]).read(Envelope("raw", {"message": "foo1"}, source="raw")) is None


def test_a_ready_mapping_needs_the_shop_alone() -> None:
    for name in ready_names():
        text = json.dumps({"ready": name, "shop": "demo"})
        assert parse_mapping("mine", text).shop == "demo"
        with pytest.raises(MappingError, match=r"^mapping mine: shop: Field required$"):
            parse_mapping("mine", json.dumps({"ready": name}))


def test_the_ready_mappings_are_those_of_the_guide() -> None:
    assert ready_names() == [
        "segment-order-completed",
        "segment-signed-up",
        "stripe-charge-refunded",
        "stripe-checkout-session-completed",
        "stripe-customer-created",
    ]


def test_a_ready_mapping_can_be_changed_field_by_field() -> None:
    name = "stripe-checkout-session-completed"
    changes = {
        "ready": name,
        "shop": "demo",
        "source": "/providers/stripe/*",
        "skip": {"test_event": None, "free": "event.data.object.amount_total == `0`"},
        "fields": {"order_id": "event.data.object.id", "labels.mode": "event.data.object.mode"},
        "detail_type": None,
    }
    changed = parse_mapping("mine", json.dumps(changes))
    assert (changed.source, changed.detail_type) == ("/providers/stripe/*", None)
    assert list(changed.skip) == ["not_paid", "no_email", "free"]
    whole: Any = ready(name)
    assert changed.fields.keys() == whole["fields"].keys() | {"labels.mode"}
    assert whole["skip"].keys() >= {"test_event"}, "the ready one stays as it is"
