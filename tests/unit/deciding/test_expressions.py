from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.deciding.expressions import Expression, ExpressionError, holds

STEADY = settings(derandomize=True, deadline=None, max_examples=200)


def ask(text: str, about: object = None) -> Any:
    return Expression(text)(about)


def fault(text: str, about: object = None) -> str:
    with pytest.raises(ExpressionError) as caught:
        ask(text, about)
    return str(caught.value)


def test_an_expression_finds_what_it_names() -> None:
    assert ask("order.lines[0].sku", {"order": {"lines": [{"sku": "A"}]}}) == "A"
    assert ask("order.lines[0].sku", {"order": None}) is None
    assert ask("[1:3]", [1, 2, 3, 4]) == [2, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a..b", "no JMESPath: character 3"),
        ("a.b)", "no JMESPath: character 4"),
        ("a $ b", "no JMESPath: character 3"),
        ("'a", "no JMESPath: character 1"),
        ("a[", "no JMESPath: it ends too early"),
        ("", "no JMESPath"),
        ("(" * 999, "no JMESPath"),
        ("a" * 1001, "it should have at most 1000 characters"),
        ("a == `paid`", "write a text as 'text', and JSON in backticks"),
        ("!a.b", "put what follows ! in parentheses, as in !(a.b)"),
        ("c && !a.*.b", "put what follows ! in parentheses, as in !(a.b)"),
        ("lower(a)", "no JMESPath: there is no function lower()"),
        ("a[?fo(@)].b", "no JMESPath: there is no function fo()"),
        ("length(a, b)", "no JMESPath: length() takes 1 arguments"),
        ("is_partial(a)", "no JMESPath: is_partial() takes 2 arguments"),
        ("not_null()", "no JMESPath: not_null() takes 1 arguments"),
    ],
)
def test_what_is_no_expression_is_found_out_before_any_event(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(text)
    assert str(caught.value) == said


def test_a_function_may_take_any_number_of_arguments_if_it_says_so() -> None:
    assert ask("not_null(a, b, c)", {"c": 1}) == 1


@pytest.mark.parametrize(
    ("seconds", "instant"),
    [
        (1648319959, "2022-03-26T18:39:19+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (1561479335.5, "2019-06-25T16:15:35.500000+00:00"),
        (None, None),
    ],
)
def test_unix_seconds_become_an_instant(seconds: float | None, instant: str | None) -> None:
    assert ask("from_unix(@)", seconds) == instant


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (3000, "usd", "30.00"),
        (5, "EUR", "0.05"),
        (0, "eur", "0.00"),
        (3000, "jpy", "3000"),
        (1234, "kwd", "1.234"),
        (-150, "usd", "-1.50"),
        (10**31, "usd", "1" + "0" * 29 + ".00"),
        (None, None, None),
    ],
)
def test_minor_units_become_an_amount(
    amount: int | None, currency: str | None, text: str | None
) -> None:
    about = {"amount": amount, "currency": currency}
    assert ask("from_minor_units(amount, currency)", about) == text


@pytest.mark.parametrize(
    ("refunded", "total", "partial"),
    [
        (50, 100, True),
        (100, 100, False),
        (120, 100, False),
        ("9.90", "19.90", True),
        ("19.9", "19.90", False),
        ("19.90", 19.9, False),
    ],
)
def test_a_refund_is_partial_if_less_came_back_than_was_paid(
    refunded: float | str, total: float | str, *, partial: bool
) -> None:
    assert ask("is_partial(@[0], @[1])", [refunded, total]) is partial


@pytest.mark.parametrize(("value", "text"), [("A-1", "A-1"), (1001, "1001"), (None, None)])
def test_an_id_becomes_a_text_and_a_missing_one_stays_missing(value: object, text: object) -> None:
    assert ask("as_text(@)", value) == text


def test_an_id_beyond_what_a_float_can_hold_is_kept() -> None:
    assert ask("as_text(id)", json.loads('{"id": 820982911946154508}')) == "820982911946154508"


@pytest.mark.parametrize(
    ("text", "about", "said"),
    [
        ("from_unix(@)", "2026-11-01", "from_unix() can't take: string"),
        ("from_unix(@)", True, "from_unix() can't take: boolean"),
        ("from_unix(@)", 1e30, "from_unix() takes seconds since 1970"),
        (
            "from_minor_units(@, 'usd')",
            10.5,
            "from_minor_units() takes a whole number and a currency",
        ),
        (
            "from_minor_units(@, `null`)",
            10,
            "from_minor_units() takes a whole number and a currency",
        ),
        ("is_partial(@, `1`)", None, "is_partial() can't take: null"),
        ("is_partial(@, `1`)", "ada", "is_partial() takes two amounts"),
        ("is_partial(@, `1`)", "NaN", "is_partial() takes two amounts"),
        ("as_text(@)", 1.5, "as_text() takes a text or a whole number"),
        ("as_text(@)", [], "as_text() can't take: array"),
        ("join(' ', @)", ["ada", None], "join() can't take: null"),
        ("@ < `1`", "ada", "it can't be answered: TypeError"),
    ],
)
def test_what_can_not_be_answered_says_why_and_shows_no_value(
    text: str, about: object, said: str
) -> None:
    assert fault(text, about) == said


@pytest.mark.parametrize("answer", [None, False, "", [], {}])
def test_what_is_empty_does_not_hold(answer: object) -> None:
    assert not holds(answer)


@pytest.mark.parametrize("answer", [True, 0, 0.0, "x", [None], {"a": None}])
def test_all_else_holds_zero_too(answer: object) -> None:
    assert holds(answer)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@STEADY
@given(st.text(alphabet="ab.[]{}()'`\"|&!=<>@?*,:1-\\ $", max_size=30), ANY_JSON)
def test_no_text_and_no_value_does_worse_than_an_expressions_error(text: str, about: Any) -> None:
    with suppress(ExpressionError):
        ask(text, about)
