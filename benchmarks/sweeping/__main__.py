"""`make bench-sweep`: run it, show the table, and write it into docs/performance.md."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.compare.page import DOCUMENT, markdown, put
from benchmarks.sweeping.rows import Waiting
from benchmarks.sweeping.stage import BUSY, LOG, SECONDS, build, stage
from benchmarks.sweeping.table import HEAD, row
from local.cloud import LOCAL
from local.fake_account import move_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sweeping.stage import Stage, Swept

_PLACE = "make bench-sweep"
_FULL = 1_000_000
_HOUR = 3600
_DAY = 24 * _HOUR
_FEW = 1000
# In each minute that has anything due.
_DUE = 500
# So many of all that wait are due in the same minute.
_RUSH = 10
# The first run over the rush has time for a part of it: a round begins if 30 s, and 20 s for its call, are left.
_SHORT = 70


@dataclass(frozen=True, slots=True)
class _Plan:
    """What waits: the same number in each of some hours, very many later, and a rush."""

    base: int
    waiting: int
    rush: int
    rounds: int

    def groups(self) -> Iterator[Waiting]:
        for number in range(self.rounds):
            yield Waiting(BUSY, _DUE, self.hour(number))
        yield Waiting(BUSY, self.waiting, self.base + 10 * _DAY, 30 * _DAY, known=False)
        if self.rush:
            yield Waiting(BUSY, self.rush, self.rush_hour - 60, 60)

    def hour(self, number: int) -> int:
        return self.base + (number + 1) * _HOUR

    @property
    def rush_hour(self) -> int:
        return self.base + 5 * _DAY

    def items(self) -> int:
        return sum(each.count * (2 if each.known else 1) for each in self.groups())


@dataclass
class _Found:
    """The sweeps over one ledger, by what was due."""

    idle: list[Swept]
    some: list[Swept]
    rush: list[Swept]


def main(
    waiting: Annotated[
        int, typer.Option(min=10_000, help="How many invitations wait, at the most.")
    ] = _FULL,
    rounds: Annotated[int, typer.Option(min=1, help="Sweeps of each kind.")] = 5,
) -> None:
    """Sweep over few that wait, and over very many."""
    move_in(os.environ)
    LOCAL.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    console, load, built = Console(), os.getloadavg()[0], build()
    base = int(time.time()) // _HOUR * _HOUR
    few = _measure(console, _Plan(base, _FEW, 0, rounds), built)
    many = _measure(console, _Plan(base, waiting, waiting // _RUSH, rounds), built)
    rows = [
        row("nothing", f"{_FEW:,}", few.idle, few.idle),
        row("nothing", f"{waiting:,}", many.idle, few.idle),
        row(f"{_DUE:,}", f"{_FEW:,}", few.some, few.idle),
        row(f"{_DUE:,}", f"{waiting:,}", many.some, few.idle),
        row(f"{waiting // _RUSH:,}", f"{waiting:,}", many.rush[:1], few.idle),
        row("what it left", f"{waiting:,}", many.rush[1:], few.idle),
    ]
    table = Table(*HEAD)
    for each in rows:
        table.add_row(*each)
    console.print(table)
    if waiting < _FULL:
        console.print("So few are a try: docs/performance.md stays as it is.")
        return
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    began = f"load average {load:.1f} at the start"
    said = f"`make bench-sweep` on {machine} ({began}), Python {platform.python_version()}:"
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(put(page, _PLACE, f"{said}\n\n{markdown(HEAD, rows)}"), encoding="utf-8")


def _measure(console: Console, plan: _Plan, built: Path) -> _Found:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
        stage(built) as where,
    ):
        filling = progress.add_task(f"fill in {plan.waiting:,}", total=plan.items())
        for count in where.fill(plan.groups()):
            progress.advance(filling, count)
        sweeping = progress.add_task("sweep", total=2 * plan.rounds + (2 if plan.rush else 0))
        found = _Found([], [], [])
        with where.instance() as instance:
            # Clients are made, parameters are read, connections are there.
            where.sweep(instance, plan.base)
            for number in range(plan.rounds):
                found.idle.append(where.sweep(instance, plan.hour(number) - 1))
                found.some.append(where.sweep(instance, plan.hour(number)))
                progress.advance(sweeping, 2)
        for seconds in (_SHORT, SECONDS) if plan.rush else ():
            with where.instance(seconds) as instance:
                found.rush.append(where.sweep(instance, plan.rush_hour))
                progress.advance(sweeping)
        _check(where, plan)
    return found


def _check(where: Stage, plan: _Plan) -> None:
    people, most = where.asked()
    wanted = max(_DUE, plan.rush)
    # The same customers stand behind each group.
    often = plan.rounds + (1 if plan.rush else 0)
    if (people, most) != (wanted, often):
        raise SystemExit(f"{people:,} of {wanted:,} people were asked, up to {most} times")


if __name__ == "__main__":
    typer.run(main)
