"""How far something long is: a bar on a terminal, else a line now and then. On stderr, so that stdout stays clean."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.options import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVERY = 1000


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how many of something are done.

    Args:
        what: What is counted, such as `dead letters`.
        total: How many there are about, if that is known.

    Yields:
        What to call with the number that is done.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        shown = 0

        def tell(done: int) -> None:
            nonlocal shown
            if done // _EVERY > shown:
                shown = done // _EVERY
                screen.print(f"{done:,} {what} …")

        yield tell
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=screen, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
