from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from cli import progress


@pytest.mark.parametrize("total", [None, 50])
def test_on_a_terminal_a_bar_counts(monkeypatch: pytest.MonkeyPatch, total: int | None) -> None:
    screen = Console(file=StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "console", lambda **_: screen)
    with progress.counting("dead letters", total) as show:
        show(7)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, see above
    assert "dead letters" in shown
    assert "7/" in shown


def test_elsewhere_a_line_now_and_then_does(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.counting("rows") as show:
        for done in (999, 1000, 1500, 3200):
            show(done)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["1,000 rows …", "3,200 rows …"]
