from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.errors import LocalError
from local.story import Step, take
from local.witness import Seen

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing() -> None:
    pass


def seeing(*sights: Seen) -> Callable[[], Seen]:
    """Look as often as you like: the last sight stays."""
    left = list(sights)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def step(promise: Seen | None, *sights: Seen) -> Step:
    return Step("a step", nothing, seeing(*sights), promise)


def test_a_promise_is_looked_for_until_it_is_kept() -> None:
    row = take(step(Seen("sent"), Seen("due"), Seen("sent")))
    assert (row.kept, row.seen) == (True, Seen("sent"))


@pytest.mark.parametrize(
    "seen", [Seen("held", "invitation 1"), Seen("sent", "invitation"), Seen("", ""), Seen("sent")]
)
def test_a_promise_that_is_not_kept_shows_what_was_seen(seen: Seen) -> None:
    row = take(step(Seen("sent", "invitation *"), seen), seconds=0)
    assert (row.kept, row.seen, row.promise) == (False, seen, Seen("sent", "invitation *"))


def test_an_answer_that_nobody_promised_breaks_the_promise() -> None:
    assert not take(step(Seen("due"), Seen("due", "invitation 1")), seconds=0).kept


def test_where_nothing_is_promised_anything_is_right() -> None:
    assert take(step(None, Seen("whatever"))).kept


def test_it_is_done_before_it_is_looked_at() -> None:
    order: list[str] = []

    def look() -> Seen:
        order.append("look")
        return Seen("")

    take(Step("a step", lambda: order.append("act"), look, None))
    assert order == ["act", "look"]


def test_what_cannot_be_done_is_no_row() -> None:
    def fail() -> None:
        raise LocalError("It broke.", "Mend it.")

    with pytest.raises(LocalError, match=r"It broke\. Mend it\."):
        take(Step("a step", fail, seeing(Seen("")), None))
