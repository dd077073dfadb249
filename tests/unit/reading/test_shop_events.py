from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.reading.fields import LONGEST_ID
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import (
    EVENT_TYPES,
    Cancellation,
    Erasure,
    Purchase,
    Refund,
    ShopEvent,
    Signup,
    Unsubscribe,
    read_shop_event,
)

STEADY = settings(derandomize=True, deadline=None, max_examples=200)
COMMON = {"version": 1, "id": "evt-1", "shop": "demo", "occurred_at": "2026-11-01T10:00:00Z"}
ADA = {"email": "ada@example.com"}
PURCHASE = COMMON | {"type": "purchase", "order_id": "A-1", "customer": ADA}
SIGNUP = COMMON | {"type": "signup", "account_id": "C-1", "customer": ADA}
REFUND = COMMON | {"type": "refund", "order_id": "A-1"}
CANCELLATION = COMMON | {"type": "cancellation", "order_id": "A-1"}
UNSUBSCRIBE = COMMON | {"type": "unsubscribe", "email": "ada@example.com"}
ERASURE = COMMON | {"type": "erasure", "email": "ada@example.com"}


def poison(payload: Mapping[str, object]) -> PoisonError:
    with pytest.raises(PoisonError) as caught:
        read_shop_event(payload)
    return caught.value


def outcome(payload: Mapping[str, object]) -> str:
    try:
        return read_shop_event(payload).type
    except PoisonError as error:
        return error.reason


def purchase(**fields: object) -> Purchase:
    event = read_shop_event(PURCHASE | fields)
    assert isinstance(event, Purchase)
    return event


def customer_field(name: str, value: object) -> object:
    return getattr(purchase(customer=ADA | {name: value}).customer, name)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (PURCHASE, Purchase),
        (SIGNUP, Signup),
        (REFUND, Refund),
        (CANCELLATION, Cancellation),
        (UNSUBSCRIBE, Unsubscribe),
        (ERASURE, Erasure),
    ],
)
def test_each_kind_is_read_with_its_mandatory_fields_alone(
    payload: dict[str, object], kind: type[ShopEvent]
) -> None:
    event = read_shop_event(payload)
    assert type(event) is kind
    assert (event.type, event.version, event.id, event.shop) == (
        payload["type"],
        1,
        "evt-1",
        "demo",
    )
    assert event.occurred_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert event.occurred == 1793527200


def test_the_types_named_in_an_error_are_those_that_there_are() -> None:
    of_models = [get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(ShopEvent)]
    assert of_models == list(EVENT_TYPES)


def test_a_field_that_a_shop_added_is_ignored() -> None:
    assert purchase(gift_wrapped=True, customer=ADA | {"phone": 1}) == purchase()


def test_a_full_purchase_keeps_what_it_says() -> None:
    event = purchase(
        customer=ADA | {"name": "Ada", "language": "en-GB", "zone": "Europe/London", "token": "t"},
        amount="19.90",
        currency="eur",
        labels={"channel": "web"},
    )
    assert event.amount == Decimal("19.90")
    assert event.currency == "EUR"
    assert event.labels == {"channel": "web"}
    assert event.customer.model_dump() == {
        "email": "ada@example.com",
        "name": "Ada",
        "language": "en-GB",
        "zone": "Europe/London",
        "token": "t",
    }


def test_the_occasion_is_the_order_the_account_or_open() -> None:
    assert purchase().occasion == "A-1"
    with_account, without = read_shop_event(SIGNUP), read_shop_event(SIGNUP | {"account_id": None})
    assert isinstance(with_account, Signup)
    assert isinstance(without, Signup)
    assert (with_account.occasion, without.occasion) == ("C-1", None)


@pytest.mark.parametrize(
    ("payload", "stops"),
    [
        (REFUND, ("purchase", "A-1")),
        (CANCELLATION, ("purchase", "A-1")),
        (CANCELLATION | {"order_id": None, "account_id": "C-1"}, ("signup", "C-1")),
    ],
)
def test_refunds_and_cancellations_say_what_they_stop(
    payload: dict[str, object], stops: tuple[str, str]
) -> None:
    event = read_shop_event(payload)
    assert isinstance(event, Refund | Cancellation)
    assert event.stops == stops


@pytest.mark.parametrize("ids", [{"order_id": None}, {"account_id": "C-1"}])
def test_a_cancellation_is_of_exactly_one_thing(ids: dict[str, object]) -> None:
    error = poison(CANCELLATION | ids)
    assert (error.reason, error.detail) == (
        "invalid_event",
        "give exactly one of order_id and account_id",
    )


@pytest.mark.parametrize("type_", ["newsletter_opened", "Purchase", "", None, 1, ["purchase"], {}])
def test_a_type_that_nobody_knows_is_no_event(type_: object) -> None:
    error = poison(PURCHASE | {"type": type_})
    assert error.reason == "no_known_event"
    assert error.detail.endswith(", ".join(EVENT_TYPES))


def test_an_object_without_a_type_is_no_event() -> None:
    assert poison({"message": "foo1"}).reason == "no_known_event"


@pytest.mark.parametrize("version", [2, 0, "1", None, 1.5])
def test_another_version_is_named_as_such(version: object) -> None:
    error = poison(PURCHASE | {"version": version})
    assert (error.reason, error.detail) == ("unknown_version", "version: it should be 1")


@pytest.mark.parametrize(
    ("payload", "field"),
    [(PURCHASE, name) for name in (*COMMON, "order_id", "customer")]
    + [(SIGNUP, "customer"), (REFUND, "order_id"), (UNSUBSCRIBE, "email"), (ERASURE, "email")],
)
def test_a_mandatory_field_that_is_missing_is_named(payload: dict[str, object], field: str) -> None:
    error = poison({name: value for name, value in payload.items() if name != field})
    assert (error.reason, error.detail) == ("invalid_event", f"{field}: Field required")


def test_every_field_at_fault_is_named() -> None:
    detail = poison(PURCHASE | {"customer": {"email": "ada@"}, "amount": -1}).detail
    assert detail == (
        "customer.email: value is not a valid email address; "
        "amount: Input should be greater than or equal to 0"
    )


PLANTED = "pl4nted"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": PLANTED + "\x00"},
        {"id": [PLANTED]},
        {"shop": PLANTED + " #"},
        {"occurred_at": PLANTED},
        {"version": PLANTED},
        {"type": PLANTED},
        {"order_id": PLANTED * 100},
        {"amount": PLANTED},
        {"currency": PLANTED},
        {"labels": {PLANTED: 1}},
        {"labels": {PLANTED * 10: "x"}},
        {"labels": PLANTED},
        {"customer": PLANTED},
        {"customer": {"email": PLANTED}},
        {"customer": {"email": f"{PLANTED} x@example.com"}},
        {"customer": {"email": f"x@{PLANTED}.test"}},
        {"customer": ADA | {"name": [PLANTED]}},
        {"customer": ADA | {"token": PLANTED * 100}},
    ],
)
def test_no_error_shows_a_value(fields: dict[str, object]) -> None:
    error = poison(PURCHASE | fields)
    assert PLANTED not in f"{error} {error.detail} {error.__cause__} {error!r}"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01T10:00:00",
        "2026-11-01",
        "2016",
        "1793527200",
        1793527200,
        "yesterday",
        "2026-02-30T10:00:00Z",
        None,
        True,
    ],
)
def test_a_time_without_its_zone_is_refused(text: object) -> None:
    assert poison(PURCHASE | {"occurred_at": text}).detail.startswith("occurred_at: it should be")


@pytest.mark.parametrize(
    "text",
    ["2026-11-01T11:00:00+01:00", "2026-11-01T11:00:00+0100", "2026-11-01T10:00:00.9999Z"],
)
def test_the_same_instant_may_be_written_in_many_ways(text: str) -> None:
    assert purchase(occurred_at=text).occurred == 1793527200


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_times_too(text: str) -> None:
    assert isinstance(purchase(occurred_at=text).occurred, int)


@pytest.mark.parametrize("shop", ["", "a#b", "a b", "a/b", "-a", "ä", "x" * 65])
def test_a_shop_is_a_word_that_keys_can_hold(shop: str) -> None:
    assert poison(PURCHASE | {"shop": shop}).detail.startswith("shop: ")


@pytest.mark.parametrize("identifier", ["", "  ", "a\x00", "a\nb", "x" * 257, "漢" * 86, 7])
def test_an_id_is_a_bounded_text(identifier: object) -> None:
    assert poison(PURCHASE | {"order_id": identifier}).detail.startswith("order_id: ")


def test_an_id_may_be_as_long_as_its_bytes_allow() -> None:
    assert purchase(order_id="漢" * 85).order_id == "漢" * 85
    assert purchase(order_id="x" * LONGEST_ID).order_id == "x" * LONGEST_ID


def test_blanks_around_an_id_make_no_other_order() -> None:
    assert purchase(order_id=" A-1 ").occasion == "A-1"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", float("inf"), "-0.01", True, "1E999", "x"])
def test_an_amount_is_a_finite_number_from_zero_on(amount: object) -> None:
    assert poison(PURCHASE | {"amount": amount}).detail.startswith("amount: ")


@pytest.mark.parametrize(
    ("amount", "value"),
    [("19.90", "19.90"), (19.9, "19.9"), (0, "0"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_an_amount_may_be_a_text_or_a_number(amount: object, value: str) -> None:
    assert purchase(amount=amount).amount == Decimal(value)


@pytest.mark.parametrize("currency", ["EURO", "E", "€", "12E", 978])
def test_a_currency_has_three_letters(currency: object) -> None:
    assert poison(PURCHASE | {"currency": currency}).detail.startswith("currency: ")


@pytest.mark.parametrize("partial", ["no", 0, None])
def test_whether_a_refund_is_partial_is_true_or_false(partial: object) -> None:
    assert poison(REFUND | {"partial": partial}).detail.startswith("partial: ")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example.test",
        "a\nb@example.com",
        "ada@" + "x." * 130 + "com",
        None,
        1,
        ["ada@example.com"],
    ],
)
def test_an_address_that_nobody_can_have_is_refused(email: object) -> None:
    for payload in (UNSUBSCRIBE | {"email": email}, ERASURE | {"email": email}):
        assert poison(payload).detail.startswith("email: ")
    assert poison(PURCHASE | {"customer": {"email": email}}).detail.startswith("customer.email: ")


@pytest.mark.parametrize(
    ("language", "kept"),
    [
        ("en-GB", "en-GB"),
        ("EN_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("cs", "cs"),
        ("de-1996", "de-1996"),
        ("tlh", "tlh"),
        ("english please", None),
        ("", None),
        ("en-", None),
        ("e", None),
        ("en" + "-abcdefgh" * 4, None),
        (None, None),
    ],
)
def test_a_language_that_cannot_be_used_costs_no_invitation(
    language: str | None, kept: str | None
) -> None:
    assert customer_field("language", language) == kept


@pytest.mark.parametrize(
    ("zone", "kept"),
    [
        ("Europe/Prague", "Europe/Prague"),
        ("UTC", "UTC"),
        ("europe/prague", None),
        ("Europe", None),
        ("../../etc/passwd", None),
        ("Mars/Olympus", None),
        ("+01:00", None),
        ("", None),
        (None, None),
    ],
)
def test_a_zone_that_cannot_be_used_costs_no_invitation(zone: str | None, kept: str | None) -> None:
    assert customer_field("zone", zone) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        (" Ada\r\nBcc: x ", "Ada Bcc: x"),
        ("\x00\x1b", None),
        ("", None),
        ("A" * 500, "A" * 200),
        ("Zoë 漢字 <b>", "Zoë 漢字 <b>"),
        (None, None),
    ],
)
def test_a_name_is_one_printable_line(name: str | None, kept: str | None) -> None:
    assert customer_field("name", name) == kept


@pytest.mark.parametrize("field", ["name", "language", "zone", "token"])
def test_a_wrong_json_type_is_the_senders_mistake_and_is_named(field: str) -> None:
    error = poison(PURCHASE | {"customer": ADA | {field: 5}})
    assert error.detail == f"customer.{field}: Input should be a valid string"


@pytest.mark.parametrize(
    "labels",
    [{"a": 1}, {"": "x"}, {"a" * 65: "x"}, {"a": "x" * 257}, {str(n): "" for n in range(51)}, None],
)
def test_labels_are_few_short_texts(labels: object) -> None:
    assert poison(PURCHASE | {"labels": labels}).detail.startswith("labels: ")


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*PURCHASE, *CANCELLATION, *ERASURE, "account_id", "amount", "labels", "partial"})


@STEADY
@given(
    st.sampled_from([PURCHASE, SIGNUP, REFUND, CANCELLATION, UNSUBSCRIBE, ERASURE]),
    st.dictionaries(st.sampled_from(FIELDS), ANY_VALUE),
    st.dictionaries(st.sampled_from(["email", "name", "language", "zone", "token"]), ANY_VALUE),
)
def test_whatever_stands_in_the_fields_is_an_event_or_poison(
    payload: dict[str, object], fields: dict[str, object], customer: dict[str, object]
) -> None:
    outcomes = {payload["type"], "no_known_event", "unknown_version", "invalid_event"}
    assert outcome({**payload, "customer": ADA | customer, **fields}) in outcomes
