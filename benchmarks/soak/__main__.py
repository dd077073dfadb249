"""`make soak`: run it, and print the balance sheet."""

from __future__ import annotations

import os
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.soak.campaigns import LONGEST_DAYS
from benchmarks.soak.soak import Outcome, Plan, run
from local.cloud import LOCAL
from local.fake_account import move_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LOG = LOCAL / "soak.log"
_SAMPLES = 8
_MEGABYTE = 1024 * 1024


def report(outcome: Outcome, events: int, seconds: float) -> Iterator[str]:
    """Return what is told after a soak, in lines.

    Args:
        outcome: What came of it.
        events: How many there were.
        seconds: How long it took.
    """
    yield f"{events:,} events in {seconds / 60:.1f} minutes; the clock was moved by {outcome.days:.1f} days"
    for name, count in outcome.invoked.items():
        killed, failed = outcome.killed[name], outcome.failed[name]
        peaks = ", ".join(f"{each / _MEGABYTE:.0f}" for each in _samples(outcome.peaks[name]))
        yield f"{name}: {count:,} invocations, {killed} killed, {failed} failed; most memory, MB: {peaks}"
    yield f"messages that came again: {outcome.redelivered:,}; dead letters put twice: {outcome.doubled:,}"
    faults = Counter(outcome.aws["faults"]) + Counter(outcome.provider["faults"])
    yield f"faults injected: {faults.total():,}, of {len(faults)} kinds"
    for name, count in sorted(faults.items()):
        yield f"  {name:<44}{count:>12,}"
    yield from _per_thousand("DynamoDB calls", outcome.aws["calls"], events)
    yield from _per_thousand("write units", outcome.aws["write_units"], events)
    yield from _per_thousand("read units", outcome.aws["read_units"], events)
    yield from _per_thousand("provider calls", outcome.provider["calls"], events)
    yield ""
    yield from outcome.sheet.lines()


def _per_thousand(what: str, counts: Mapping[str, Any], events: int) -> Iterator[str]:
    parts = ", ".join(f"{name} {count * 1000 / events:.1f}" for name, count in counts.items())
    yield f"{what} per 1,000 events: {sum(counts.values()) * 1000 / events:.1f} ({parts})"


def _samples(peaks: list[int]) -> list[int]:
    """Return the most of each part of the run, in its order."""
    size = max(1, -(-len(peaks) // _SAMPLES))
    return [max(peaks[start : start + size]) for start in range(0, len(peaks), size)]


def _planted(name: str | None) -> Callable[[], None] | None:
    if name is None:
        return None
    module, _, function = name.partition(":")
    found: Callable[[], None] = getattr(import_module(module), function)
    return found


def main(
    events: Annotated[int, typer.Option(min=1, help="How many events.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    faults: Annotated[
        float, typer.Option(min=0, max=0.5, help="The share of calls that fail.")
    ] = 0.05,
    days: Annotated[
        int, typer.Option(min=0, help="How many days the clock goes on after the last event.")
    ] = LONGEST_DAYS,
    log: Annotated[Path, typer.Option(help="Where the functions' logs go.")] = _LOG,
    plant: Annotated[
        str | None, typer.Option(hidden=True, help="A fault of ours to plant: module:function.")
    ] = None,
) -> None:
    """Send generated events through the functions, with faults, to the end of their follow-ups."""
    move_in(os.environ)
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    began = monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks = {
            "events": progress.add_task("events", total=events),
            "days": progress.add_task("days", total=days),
            "audit": progress.add_task("audit", total=events),
        }

        def tell(what: str, done: int) -> None:
            # Drawn ten times a second whatever is told; told a million times it would cost.
            if what != "audit" or done % 1000 == 0 or done == events:
                progress.update(tasks[what], completed=done)

        outcome = run(Plan(events, seed, faults, log, days, _planted(plant)), tell)
    for line in report(outcome, events, monotonic() - began):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    sys.exit(1 if outcome.sheet.errors else 0)


if __name__ == "__main__":
    typer.run(main)
