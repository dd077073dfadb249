from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from local.screen import Screen
from local.story import Row, Step
from local.witness import Seen

KEPT = Row("purchase", Seen("a: sent\nb: sent", "invitation 1"), Seen("*"), kept=True, seconds=0.5)
BROKEN = Row("signup", Seen("no invitation"), Seen("a: due", ""), kept=False, seconds=9)
FREE = Row("any", Seen("[red]as it is[/red]"), None, kept=True, seconds=0)


def shown(*rows: Row, terminal: bool) -> str:
    output = StringIO()
    screen = Screen(Console(file=output, force_terminal=terminal, width=120, color_system=None))
    steps = [Step(row.title, lambda: None, lambda: Seen(""), None) for row in rows]
    by_title = {row.title: row for row in rows}
    assert screen.tell(steps, lambda step: by_title[step.title]) == list(rows)
    screen.times()
    return output.getvalue()


def test_without_a_terminal_each_step_is_a_line() -> None:
    lines = shown(KEPT, BROKEN, FREE, terminal=False).splitlines()
    assert lines[:3] == [
        "✔ purchase → a: sent; b: sent → invitation 1 (0.5 s)",
        "✘ signup → no invitation → PROMISED → a: due (9.0 s)",
        "✔ any → [red]as it is[/red] (0.0 s)",
    ]


def test_on_a_terminal_the_table_shows_what_was_promised_in_its_place() -> None:
    table = shown(KEPT, BROKEN, FREE, terminal=True)
    for text in ("✔", "✘", "a: sent", "no invitation", "promised: a: due", "promised: nothing"):
        assert text in table
    assert "[red]as it is[/red]" in table


@pytest.mark.parametrize(("width", "fitting"), [(80, 6), (120, 9)])
def test_while_it_goes_on_only_what_fits_is_shown(width: int, fitting: int) -> None:
    """Else the step that goes on would be below the edge."""
    screen = Screen(Console(file=StringIO(), width=width, height=24))
    assert screen._rows_that_fit() == fitting


def test_a_step_is_shown_while_it_goes_on() -> None:
    assert "…" in shown(KEPT, terminal=True)


def test_in_the_end_each_stage_has_its_time() -> None:
    output, seconds = StringIO(), iter([1.0, 3.5, 4.0, 5.0])
    screen = Screen(Console(file=output), clock=lambda: next(seconds))
    for stage in ("sam build", "sam deploy"):
        with screen.stage(stage):
            pass
    screen.times()
    assert output.getvalue().splitlines() == [
        "✔ sam build (2.5 s)",
        "✔ sam deploy (1.0 s)",
        "sam build 2.5 s, sam deploy 1.0 s: 3.5 s in all.",
    ]


def test_a_stage_that_fails_is_not_said_to_be_done() -> None:
    output = StringIO()
    screen = Screen(Console(file=output))
    with pytest.raises(ValueError, match="no"), screen.stage("sam build"):
        raise ValueError("no")
    assert output.getvalue() == ""
