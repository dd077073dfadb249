"""`make bench`: run it, show the table, write it into docs/performance.md."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.compare.bench import BUILT, runners
from benchmarks.compare.goals import HEAD, goals
from benchmarks.compare.page import PICTURE, Run, versions, write, write_results
from benchmarks.compare.plot import draw
from benchmarks.compare.profile import show_functions
from benchmarks.compare.subjects import SUBJECTS, Subject
from benchmarks.compare.table import COSTS, SPEED, cost_rows, speed_rows
from local.cloud import LOCAL
from local.fake_account import move_in
from local.functions import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compare.measuring import Round

FULL = 2000
_OF_SPEED = (*SPEED[:1], *SPEED[2:4], *SPEED[5:])
_OF_COSTS = (*COSTS[:4], COSTS[-1])
_PROFILE = LOCAL / "bench.profile"


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each configuration.")] = 15,
    events: Annotated[
        int,
        typer.Option(
            min=1, help="Orders in a round of a bulk configuration; others in proportion."
        ),
    ] = FULL,
    only: Annotated[
        str,
        typer.Option(help="Measure these alone, beside the usual handler: names, parted by ';'."),
    ] = "",
    profile: Annotated[
        str,
        typer.Option(help="Show where a configuration's first function spends its time, instead."),
    ] = "",
) -> None:
    """Measure all configurations by turns."""
    move_in(os.environ)
    console, share = Console(), events / FULL
    if profile:
        _profile(console, profile, rounds, share)
        return
    subjects, load = _chosen(only), os.getloadavg()[0]
    measured = _measure(console, list(subjects.values()), rounds, share)
    speed, costs = speed_rows(measured, subjects), cost_rows(measured)
    _show(console, "how fast, how much CPU", SPEED, speed, _OF_SPEED)
    _show(console, "what 1,000 events cost", COSTS, costs, _OF_COSTS)
    if len(subjects) < len(SUBJECTS):
        return
    _show(console, "goals", HEAD, [each.row() for each in goals(measured)], HEAD)
    if events < FULL:
        console.print("A round this small is a try: docs/performance.md stays as it is.")
        return
    run = Run(rounds, events, load, versions(BUILT / LAYERS[0] / "python"))
    write(measured, subjects, run)
    write_results(measured, subjects)
    draw(measured, subjects, PICTURE)


def _show(
    console: Console,
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    shown: Sequence[str],
) -> None:
    """Show some of the columns: a terminal is narrower than a page."""
    places = [head.index(each) for each in shown]
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in shown:
        table.add_column(name, no_wrap=name == head[0])
    for row in rows:
        table.add_row(*(row[each] for each in places))
    console.print(table)


def _chosen(only: str) -> dict[str, Subject]:
    """Return configurations by name, and with each its peer."""
    known = {each.name: each for each in SUBJECTS}
    wanted = {each.strip() for each in only.split(";") if each.strip()} or set(known)
    if unknown := wanted - set(known):
        raise typer.BadParameter(f"no {', '.join(sorted(unknown))}; there are: {'; '.join(known)}")
    peers = {known[each].peer for each in wanted}
    return {name: each for name, each in known.items() if name in wanted | peers}


def _measure(
    console: Console, subjects: list[Subject], rounds: int, share: float
) -> dict[str, list[Round]]:
    measured: dict[str, list[Round]] = {each.name: [] for each in subjects}
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
        runners(subjects, share) as started,
    ):
        task = progress.add_task("starts", total=rounds * len(subjects))
        for number in range(rounds):
            # Back and forth: what slows down or speeds up meanwhile hits all alike.
            for name in list(measured)[:: -1 if number % 2 else 1]:
                progress.update(task, description=name)
                measured[name].append(started[name].round())
                progress.advance(task)
    return measured


def _profile(console: Console, name: str, rounds: int, share: float) -> None:
    with runners([_chosen(name)[name]], share, _PROFILE) as started:
        for _ in range(rounds):
            started[name].round()
    console.print(show_functions(_PROFILE))


if __name__ == "__main__":
    typer.run(main)
