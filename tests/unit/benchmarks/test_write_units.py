"""Hand-computed from https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
and https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.write_units import Index, item_size, read_units, write_units

DUE = Index("due", ("lane", "due"), frozenset({"lane", "due", "pk", "sk"}))
WHOLE = Index("whole", ("cust",))


def text(value: str) -> dict[str, str]:
    return {"S": value}


def of_size(size: int) -> dict[str, dict[str, Any]]:
    """An item whose one attribute's name takes two bytes."""
    return {"pk": text("x" * (size - 2))}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "é☂"}, 5),  # UTF-8.
        ({"N": "12"}, 2),  # A byte for two digits, and one.
        ({"N": "123"}, 3),
        ({"N": "1800000000"}, 2),  # Two significant digits: zeroes at the end are trimmed.
        ({"N": "-0.0012"}, 3),
        ({"N": "0"}, 1),
        ({"B": "AAEC"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"L": [{"S": "ab"}, {"N": "7"}]}, 3 + (1 + 2) + (1 + 2)),
        ({"M": {"ab": {"S": "cd"}}}, 3 + 1 + 2 + 2),
        ({"SS": ["ab", "cde"]}, 5),
        ({"L": []}, 3),
    ],
)
def test_a_value_takes_as_many_bytes_as_the_guide_says(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == len("name") + size


def test_a_type_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a type of DynamoDB's: X"):
        item_size({"a": {"X": "1"}})


_WIRE = st.recursive(
    st.builds(lambda value: {"S": value}, st.text())
    | st.builds(lambda value: {"N": str(value)}, st.integers(-(10**30), 10**30))
    | st.just({"BOOL": True})
    | st.just({"B": "AAEC"}),
    lambda inner: (
        st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3))
        | st.builds(lambda value: {"M": value}, st.dictionaries(st.text(), inner, max_size=3))
    ),
)


@given(st.dictionaries(st.text(min_size=1), _WIRE, max_size=4))
def test_an_item_is_never_larger_than_its_json(item: dict[str, Any]) -> None:
    """So what fits into a unit as JSON needs no measuring."""
    assert item_size(item) <= len(json.dumps(item, ensure_ascii=False).encode())


@pytest.mark.parametrize(("size", "plain"), [(512, 1), (1024, 1), (1025, 2), (3 * 1024 + 512, 4)])
def test_a_write_is_charged_by_the_started_kilobyte_and_twice_in_a_transaction(
    size: int, plain: int
) -> None:
    assert item_size(of_size(size)) == size
    assert write_units(None, of_size(size)) == plain
    assert write_units(None, of_size(size), transactional=True) == 2 * plain


def test_the_larger_of_before_and_after_counts() -> None:
    assert write_units(of_size(2048), of_size(10)) == 2
    assert write_units(of_size(10), of_size(2048)) == 2
    assert write_units(of_size(1500), None) == 2


def test_deleting_what_is_not_there_costs_one() -> None:
    assert write_units(None, None, [DUE]) == 1


def row(**changes: Any) -> dict[str, Any]:
    found = {"pk": text("O#1"), "sk": text("I#1"), "lane": text("l"), "due": {"N": "5"}}
    return {name: value for name, value in (found | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("before", "after", "index"),
    [
        pytest.param(None, row(), 1, id="it gets the indexed attribute"),
        pytest.param(row(lane=None), row(), 1, id="an update defines the indexed attribute"),
        pytest.param(row(), row(due={"N": "6"}), 2, id="another key: out here, in there"),
        pytest.param(row(), row(lane=None), 1, id="it loses the indexed attribute"),
        pytest.param(row(), None, 1, id="it goes"),
        pytest.param(row(lane=None), row(lane=None, x=text("y")), 0, id="it never was there"),
        pytest.param(row(), row(x=text("y")), 0, id="what changes is not projected"),
    ],
)
def test_an_index_is_charged_for_what_changes_in_it(before: Any, after: Any, index: int) -> None:
    assert write_units(before, after, [DUE]) == 1 + index
    assert write_units(before, after, [DUE], transactional=True) == 2 + index


def test_a_projected_attribute_that_changes_is_one_write_of_the_larger() -> None:
    small = row(cust=text("c"), x=text("y"))
    large = small | {"x": text("y" * 1500)}
    assert write_units(small, large, [WHOLE]) == 2 + 2
    assert write_units(large, small, [WHOLE]) == 2 + 2


@pytest.mark.parametrize(
    ("size", "strong", "eventual"), [(0, 1, 0.5), (4096, 1, 0.5), (4097, 2, 1), (10 * 1024, 3, 1.5)]
)
def test_a_read_is_charged_by_four_kilobytes_and_half_if_it_may_be_stale(
    size: int, strong: float, eventual: float
) -> None:
    assert read_units(size, consistent=True) == strong
    assert read_units(size, consistent=False) == eventual
    assert read_units(size, consistent=False, transactional=True) == 2 * strong
