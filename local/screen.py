"""What a person sees: the stages, and the table of the story, filled as it happens."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console

    from local.story import Row, Step

_WIDE = 110  # characters
YES = Text("✔", style="bold green")
NO = Text("✘", style="bold red")


class Screen:
    """Shows stages and rows: live on a terminal, as plain lines everywhere else.

    Args:
        console: Where to show them.
        clock: Seconds, ever growing.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._clock = clock
        self._stages: list[tuple[str, float]] = []

    def say(self, text: str = "") -> None:
        """Show a line.

        Args:
            text: The line.
        """
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Show that a stage goes on, and in the end how long it took.

        Args:
            name: What goes on.

        Yields:
            While it goes on.
        """
        began = self._clock()
        with self._console.status(f"{name} …"):
            yield
        self._stages.append((name, self._clock() - began))
        self.say(f"✔ {name} ({self._stages[-1][1]:.1f} s)")

    def tell(self, steps: Iterable[Step], take: Callable[[Step], Row]) -> list[Row]:
        """Take the steps one by one and show how each goes.

        Args:
            steps: The steps.
            take: Takes one.

        Returns:
            How they went.
        """
        began, rows = self._clock(), []
        if not self._console.is_terminal:
            for step in steps:
                rows.append(take(step))
                self.say(_line(rows[-1]))
        else:
            with Live(console=self._console, auto_refresh=False) as live:
                for step in steps:
                    live.update(_table(rows[-self._rows_that_fit() :], step.title), refresh=True)
                    rows.append(take(step))
                live.update(_table(rows), refresh=True)
        self._stages.append(("the story", self._clock() - began))
        return rows

    def _rows_that_fit(self) -> int:
        # Head and foot take six lines; a row takes two, three where it is narrow. In the end all
        # rows are shown.
        lines = 2 if self._console.width >= _WIDE else 3
        return max(3, (self._console.height - 6) // lines)

    def times(self) -> None:
        """Show how long each stage took."""
        parts = [f"{name} {seconds:.1f} s" for name, seconds in self._stages]
        total = sum(seconds for _, seconds in self._stages)
        self.say(f"{', '.join(parts)}: {total:.1f} s in all.")


def _table(rows: Iterable[Row], running: str | None = None) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("What happens", ratio=4)
    table.add_column("What Afterword decides", ratio=7, overflow="fold")
    table.add_column("What the provider says", ratio=5)
    table.add_column("s", justify="right")
    for row in rows:
        answered = Text(row.seen.answered)
        decided = Text(row.seen.decided)
        if not row.kept and row.promise:
            decided.append(f"\npromised: {row.promise.decided}", style="red")
            answered.append(f"\npromised: {row.promise.answered or 'nothing'}", style="red")
        table.add_row(YES if row.kept else NO, row.title, decided, answered, f"{row.seconds:.1f}")
    if running is not None:
        table.add_row("…", running, "", "", "")
    return table


def _line(row: Row) -> str:
    parts = [row.title, row.seen.decided, row.seen.answered]
    if not row.kept and row.promise:
        parts += ["PROMISED", row.promise.decided, row.promise.answered]
    text = " → ".join(part.replace("\n", "; ") for part in parts if part)
    return f"{YES if row.kept else NO} {text} ({row.seconds:.1f} s)"
