"""The heat of an index tells whether one partition would have to bear it all for a while."""

from __future__ import annotations

import pytest

from benchmarks.stand_ins.heat import WINDOW, Heat


@pytest.mark.parametrize(
    ("order", "hottest"),
    [
        (["a", "b", "c", "d"] * WINDOW, WINDOW // 4),
        (["a"] * WINDOW + ["b"] * WINDOW, WINDOW),
        (["a"] * (WINDOW - 1), 0),
    ],
    ids=["by turns", "one after the other", "too few to tell"],
)
def test_the_hottest_is_found_among_any_thousand(order: list[str], hottest: int) -> None:
    heat = Heat()
    for each in order:
        heat.note(each)
    assert heat.hottest == hottest
    assert heat.written.total() == len(order)
