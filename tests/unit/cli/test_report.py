from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli.errors import CommandError
from cli.respondents.report import MOST_SHOWN, RefusedLines, open_report, progress
from cli.respondents.rows import Refused


def test_the_first_refused_lines_are_shown_and_the_rest_counted() -> None:
    refused = RefusedLines(None)
    for number in range(MOST_SHOWN + 1_000):
        refused(Refused(number, "reason"))
    *shown, last = refused.lines()
    assert shown == [f"line {number}: reason" for number in range(MOST_SHOWN)]
    assert last == "… and 1,000 more; --report FILE lists all of them"
    assert refused.count == MOST_SHOWN + 1_000


def test_a_few_refused_lines_are_all_shown() -> None:
    refused = RefusedLines(None)
    refused(Refused(7, "reason"))
    assert list(refused.lines()) == ["line 7: reason"]


def test_the_report_lists_all_refused_lines_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "refused.csv"
    with open_report(path, tmp_path / "respondents.csv") as report:
        refused = RefusedLines(report)
        for number in range(MOST_SHOWN + 1):
            refused(Refused(number, 'a "reason", quoted'))
    lines = path.read_text().splitlines()
    assert lines[:2] == ["line,reason", '0,"a ""reason"", quoted"']
    assert len(lines) == MOST_SHOWN + 2


def test_the_report_never_replaces_what_is_imported(tmp_path: Path) -> None:
    source = tmp_path / "respondents.csv"
    source.write_text("email\n")
    link = tmp_path / "link.csv"
    link.symlink_to(source)
    for path in (source, link):
        with (
            pytest.raises(CommandError, match="is the file to import"),
            open_report(path, source),
        ):
            pass
    assert source.read_text() == "email\n"


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "refused.csv"
    with pytest.raises(CommandError, match="No such file"), open_report(path, Path("x")):
        pass


def test_without_a_terminal_each_tenth_is_a_line() -> None:
    output = StringIO()
    with progress(Console(file=output), 1000) as show:
        for done in (50, 99, 100, 150, 350, 1000):
            show(done, done * 10)
    assert output.getvalue().splitlines() == [
        "10 %: 1,000 respondents",
        "30 %: 3,500 respondents",
        "100 %: 10,000 respondents",
    ]


def test_on_a_terminal_there_is_a_bar() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=80, color_system=None)
    with progress(console, 1000) as show:
        show(1000, 12_345)
    assert "12,345 respondents ━" in output.getvalue()
    assert "100%" in output.getvalue()
