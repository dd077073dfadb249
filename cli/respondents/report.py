"""What the operator sees of an import: how far it is, and which lines were refused."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from rich.console import Console

    from cli.respondents.rows import Refused

MOST_SHOWN = 20
_TENTHS = 10


class RefusedLines:
    """Counts refused lines, keeps the first few, and writes all of them to the report.

    Args:
        report: An open file, if there is to be a report: CSV with `line` and `reason`.
    """

    def __init__(self, report: TextIO | None) -> None:
        self.count = 0
        self.first: list[Refused] = []
        self._report = csv.writer(report, lineterminator="\n") if report else None
        if self._report:
            self._report.writerow(("line", "reason"))

    def __call__(self, refused: Refused) -> None:
        """Take in one more."""
        self.count += 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(refused)
        if self._report:
            self._report.writerow((refused.line, refused.reason))

    def lines(self) -> Iterator[str]:
        """Yield what to show of them: the first few, and how many more there are."""
        for each in self.first:
            yield f"line {each.line}: {each.reason}"
        if self.count > len(self.first):
            yield f"… and {self.count - len(self.first):,} more; --report FILE lists all of them"


@contextmanager
def open_report(path: Path | None, source: Path) -> Iterator[TextIO | None]:
    """Open the report, if one is asked for, and close it in the end.

    Args:
        path: Where it is to be.
        source: The file that is imported, which must not be overwritten.

    Raises:
        CommandError: It can't be written there.
    """
    if path is None:
        yield None
        return
    try:
        if path.exists() and path.samefile(source):
            raise CommandError(f"{path} is the file to import.", "Name another one by --report.")
        report = path.open("w", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.", "Name another by --report.") from None
    with report:
        yield report


@contextmanager
def progress(console: Console, size: int) -> Iterator[Callable[[int, int], None]]:
    """Show how far an import is: a bar on a terminal, else a line for each tenth of the file.

    Args:
        console: Where to show it.
        size: The file's size in bytes.

    Yields:
        What to call with the bytes that were read so far, and the respondents.
    """
    if not console.is_terminal:
        yield _Tenths(console, size)
        return
    text = TextColumn("{task.description}")
    columns = text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("respondents", total=size)

        def show(done: int, respondents: int) -> None:
            bar.update(task, completed=done, description=f"{respondents:,} respondents")

        yield show


class _Tenths:
    def __init__(self, console: Console, size: int) -> None:
        self._console = console
        self._size = size
        self._shown = 0

    def __call__(self, done: int, respondents: int) -> None:
        tenths = done * _TENTHS // self._size
        if tenths > self._shown:
            self._shown = tenths
            self._console.print(
                f"{tenths * 100 // _TENTHS} %: {respondents:,} respondents", highlight=False
            )
