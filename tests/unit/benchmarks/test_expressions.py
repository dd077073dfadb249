from __future__ import annotations

from typing import Any

import pytest

from benchmarks.stand_ins.expressions import (
    ExpressionError,
    Key,
    condition,
    key_condition,
    update,
)

ITEM: dict[str, dict[str, Any]] = {
    "pk": {"S": "O#1"},
    "state": {"S": "pending"},
    "due": {"N": "10"},
    "part": {"N": "1.50"},
    "tags": {"SS": ["a", "b"]},
    "list": {"L": [{"S": "a"}, {"N": "1"}]},
    "gone": {"NULL": True},
}
VALUES: dict[str, dict[str, Any]] = {
    ":ten": {"N": "10.0"},
    ":eleven": {"N": "11"},
    ":text": {"S": "10"},
    ":a": {"S": "a"},
    ":O": {"S": "O#"},
    ":pending": {"S": "pending"},
    ":SS": {"S": "SS"},
    ":list": {"L": [{"N": "2"}]},
    ":set": {"SS": ["b", "c"]},
    ":flag": {"BOOL": True},
}
NAMES = {"#state": "state", "#due": "due", "#new": "new"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("attribute_exists(pk)", True),
        ("attribute_not_exists(pk)", False),
        ("attribute_not_exists(#new)", True),
        ("attribute_exists(gone)", True),
        ("#state = :pending", True),
        ("state <> :pending", False),
        ("missing = :a", False),
        ("missing <> :a", True),
        ("due = :ten", True),
        ("due = :text", False),
        ("due < :eleven AND due >= :ten", True),
        ("due < :text", False),
        ("missing < :eleven", False),
        ("due > :ten OR due <= :ten", True),
        ("NOT due > :ten", True),
        ("NOT (due = :ten AND pk = :a)", True),
        ("due = :eleven OR pk = :a AND due = :ten", False),
        ("(due = :ten OR pk = :a) AND begins_with(pk, :O)", True),
        ("begins_with(due, :O)", False),
        ("due BETWEEN :ten AND :eleven AND attribute_exists(pk)", True),
        ("due between :eleven and :ten", False),
        ("state IN (:a, :pending)", True),
        ("state IN (:a)", False),
        ("contains(tags, :a)", True),
        ("contains(list, :a)", True),
        ("contains(list, :text)", False),
        ("contains(state, :a)", False),
        ("contains(missing, :a)", False),
        ("attribute_type(tags, :SS)", True),
        ("attribute_type(pk, :SS)", False),
        ("size(tags) < :ten", True),
        ("size(missing) < :ten", False),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:  # noqa: FBT001 -- a table's column
    assert condition(text).meaning(ITEM, NAMES, VALUES) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "due",
        "due = ",
        "due = :ten due",
        "due == :ten",
        "(due = :ten",
        "map.inner = :a",
        "list[0] = :a",
        "begins_with(pk)",
        "unknown_function(pk, :a)",
        "due BETWEEN :ten",
        "due = :ten XOR due = :ten",
        "+ = :ten",
        "due = :ten AND",
    ],
)
def test_what_is_not_known_is_an_error_that_says_where(text: str) -> None:
    with pytest.raises(ExpressionError, match="not understood at"):
        condition(text)


@pytest.mark.parametrize("text", ["tags < :set", "size(due) = :ten"])
def test_what_does_not_go_together_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError, match="does not go with"):
        condition(text).meaning(ITEM, NAMES, VALUES)


def test_an_expression_tells_which_aliases_it_uses() -> None:
    assert condition("#state = :pending OR due > :ten").aliases == {"#state", ":pending", ":ten"}
    assert update("SET #new = :a REMOVE due").aliases == {"#new", ":a"}


def test_what_was_parsed_once_is_kept() -> None:
    assert condition("#state = :pending") is condition("#state = :pending")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("pk = :p", Key("pk", ":p")),
        ("#k = :p", Key("#k", ":p")),
        ("pk = :p AND sk <= :s", Key("pk", ":p", "sk", "<=", (":s",))),
        ("pk = :p AND sk = :s", Key("pk", ":p", "sk", "=", (":s",))),
        ("pk = :p AND begins_with(sk, :s)", Key("pk", ":p", "sk", "begins_with", (":s",))),
        ("pk = :p AND sk BETWEEN :s AND :t", Key("pk", ":p", "sk", "BETWEEN", (":s", ":t"))),
    ],
)
def test_a_key_condition_names_a_partition_and_a_range(text: str, key: Key) -> None:
    assert key_condition(text).meaning == key


@pytest.mark.parametrize(
    "text", ["pk > :p", "pk = sk", "pk = :p AND sk <> :s", "pk = :p OR pk = :q", "pk = :p AND sk"]
)
def test_another_key_condition_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        key_condition(text)


def updated(text: str) -> dict[str, Any]:
    new = dict(ITEM)
    for change in update(text).meaning:
        change(ITEM, new, NAMES, VALUES)
    return new


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SET #new = :a", {"new": {"S": "a"}}),
        ("SET #new = due, due = :eleven", {"new": {"N": "10"}, "due": {"N": "11"}}),
        ("SET due = due + :eleven", {"due": {"N": "21"}}),
        ("SET part = part - :ten", {"part": {"N": "-8.50"}}),
        ("SET due = if_not_exists(due, :a)", {}),
        ("SET #new = if_not_exists(#new, :a)", {"new": {"S": "a"}}),
        ("SET #new = if_not_exists(#new, :ten) + :eleven", {"new": {"N": "21.0"}}),
        (
            "SET list = list_append(list, :list)",
            {"list": {"L": [{"S": "a"}, {"N": "1"}, {"N": "2"}]}},
        ),
        ("ADD due :eleven", {"due": {"N": "21"}}),
        ("ADD #new :eleven", {"new": {"N": "11"}}),
        ("ADD tags :set", {"tags": {"SS": ["a", "b", "c"]}}),
        ("ADD #new :set", {"new": {"SS": ["b", "c"]}}),
        ("DELETE tags :set", {"tags": {"SS": ["a"]}}),
        (
            "set due = :ten remove gone, missing add part :eleven",
            {"due": {"N": "10.0"}, "part": {"N": "12.50"}, "gone": None},
        ),
    ],
)
def test_an_update_changes_what_it_says(text: str, changed: dict[str, Any]) -> None:
    wanted = ITEM | changed
    assert updated(text) == {name: value for name, value in wanted.items() if value is not None}


def test_the_last_of_a_set_takes_the_attribute_along() -> None:
    new = {"tags": {"SS": ["b"]}}
    (change,) = update("DELETE tags :set").meaning
    change({"tags": {"SS": ["b"]}}, new, NAMES, VALUES)
    assert new == {}


@pytest.mark.parametrize(
    "text",
    [
        "due = :ten",
        "SET due",
        "SET a.b = :a",
        "SET due = :ten SET part = :ten",
        "REMOVE due = :ten",
        "SET due = :ten,",
    ],
)
def test_another_update_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        update(text)


@pytest.mark.parametrize(
    "text",
    [
        "SET due = missing",
        "SET due = missing + :ten",
        "SET due = list_append(missing, :list)",
        "SET due = pk + :ten",
        "SET list = list_append(pk, :list)",
        "ADD pk :a",
        "ADD due :set",
        "ADD due :flag",
    ],
)
def test_an_update_of_what_does_not_fit_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        updated(text)
