from typing import Any

import pytest
from pydantic import ValidationError

from afterword.deciding.conditions import FIELDS, Condition
from afterword.reading.fields import Kind
from afterword.reading.shop_events import Purchase, Signup

COMMON: dict[str, Any] = {
    "version": 1,
    "id": "evt-1",
    "shop": "demo",
    "occurred_at": "2026-11-01T10:00:00Z",
    "customer": {"email": "ada@example.com", "language": "en-GB", "zone": "Europe/London"},
    "labels": {"channel": "web", "items": "3"},
}
PURCHASE = Purchase.model_validate(
    COMMON | {"type": "purchase", "order_id": "A-1", "amount": "20.00", "currency": "EUR"}
)
BARE = Purchase.model_validate(
    COMMON
    | {"type": "purchase", "order_id": "A-2", "customer": {"email": "b@example.com"}, "labels": {}}
)
SIGNUP = Signup.model_validate(COMMON | {"type": "signup"})


def holds(event: Purchase | Signup, **condition: object) -> bool:
    return Condition.model_validate(condition).holds(event)


@pytest.mark.parametrize(
    ("field", "comparison", "expected"),
    [
        ("amount", {"at_least": "20.00"}, True),
        ("amount", {"at_least": 20.01}, False),
        ("amount", {"at_most": "20"}, True),
        ("amount", {"at_most": "19.99"}, False),
        ("amount", {"equals": 20}, True),
        ("amount", {"equals": "20.0"}, True),
        ("amount", {"equals": "21"}, False),
        ("amount", {"in": ["19", "20.000"]}, True),
        ("amount", {"not_in": ["20"]}, False),
        ("amount", {"exists": True}, True),
        ("amount", {"exists": False}, False),
        ("currency", {"equals": "EUR"}, True),
        ("currency", {"equals": "eur"}, False),
        ("currency", {"in": ["CZK", "EUR"]}, True),
        ("currency", {"in": ["CZK"]}, False),
        ("currency", {"not_in": ["CZK"]}, True),
        ("currency", {"not_in": ["EUR"]}, False),
        ("shop", {"equals": "demo"}, True),
        ("customer.language", {"equals": "en-GB"}, True),
        ("customer.language", {"equals": "en"}, False),
        ("customer.zone", {"in": ["Europe/London"]}, True),
        ("labels.channel", {"equals": "web"}, True),
        ("labels.channel", {"at_least": 1}, False),
        ("labels.items", {"at_least": 3}, True),
        ("labels.items", {"at_most": 2}, False),
        ("labels.channel", {"exists": True}, True),
    ],
)
def test_a_comparison_holds_or_does_not(
    field: str, comparison: dict[str, object], *, expected: bool
) -> None:
    assert holds(PURCHASE, field=field, **comparison) is expected


@pytest.mark.parametrize("field", ["amount", "currency", "customer.zone", "labels.channel"])
@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ({"equals": "1"}, False),
        ({"in": ["1"]}, False),
        ({"not_in": ["1"]}, True),
        ({"exists": True}, False),
        ({"exists": False}, True),
    ],
)
def test_a_field_that_an_event_leaves_out_is_only_ever_absent(
    field: str, comparison: dict[str, object], *, expected: bool
) -> None:
    assert holds(BARE, field=field, **comparison) is expected


@pytest.mark.parametrize("comparison", [{"at_least": 0}, {"at_most": 10**9}])
@pytest.mark.parametrize("field", ["amount", "labels.items"])
def test_no_number_is_neither_small_nor_large(field: str, comparison: dict[str, object]) -> None:
    assert not holds(BARE, field=field, **comparison)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "", "three"])
def test_a_label_that_is_no_finite_number_is_within_no_bounds(text: str) -> None:
    event = SIGNUP.model_copy(update={"labels": {"items": text}})
    assert not holds(event, field="labels.items", at_least=0)
    assert not holds(event, field="labels.items", at_most=10)


def test_a_signup_has_labels_too() -> None:
    assert holds(SIGNUP, field="labels.channel", equals="web")


def test_events_have_every_field_that_conditions_may_name() -> None:
    event: dict[Kind, Purchase | Signup] = {"purchase": PURCHASE, "signup": SIGNUP}
    plain = [(kind, field) for kind in FIELDS for field in FIELDS[kind] if "<" not in field]
    assert len(plain) == 8
    assert all(holds(event[kind], field=field, exists=True) for kind, field in plain)


@pytest.mark.parametrize(
    ("kind", "field", "known"),
    [
        ("purchase", "amount", True),
        ("signup", "amount", False),
        ("signup", "currency", False),
        ("signup", "labels.channel", True),
        ("signup", "labels.", False),
        ("purchase", "labels", False),
        ("purchase", "labels.<name>", True),
        ("purchase", "customer.email", False),
        ("purchase", "__class__", False),
    ],
)
def test_a_kind_of_event_knows_its_fields(kind: Kind, field: str, *, known: bool) -> None:
    assert Condition(field=field, exists=True).is_known_to(kind) is known


@pytest.mark.parametrize(
    "comparison",
    [
        {},
        {"equals": "a", "exists": True},
        {"at_least": 1, "at_most": 2},
        {"equals": None},
        {"equals": ["a"]},
        {"equals": True},
        {"in": []},
        {"in": "EUR"},
        {"not_in": []},
        {"at_least": "x"},
        {"at_least": "NaN"},
        {"exists": "yes"},
        {"exists": 1},
        {"matches": ".*"},
    ],
)
def test_a_condition_makes_exactly_one_sound_comparison(comparison: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate({"field": "amount"} | comparison)


@pytest.mark.parametrize(
    ("field", "comparison"),
    [
        ("currency", {"at_least": 1}),
        ("customer.zone", {"at_most": 1}),
        ("amount", {"equals": "much"}),
        ("amount", {"in": ["1", "much"]}),
        ("amount", {"not_in": ["Infinity"]}),
    ],
)
def test_numbers_are_compared_with_numbers_only(field: str, comparison: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="number"):
        Condition.model_validate({"field": field} | comparison)
