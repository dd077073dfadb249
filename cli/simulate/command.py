"""`afterword simulate`: who would be asked, when, and who not and why. Nothing is written and nobody is called."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from afterword.deciding.campaigns import Campaign
from afterword.operating.simulation import Fate, Simulation
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.shop_events import ShopEvent
from cli.campaigns.texts import read_folder
from cli.errors import CommandError, readable_errors
from cli.naming import STDIN
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Table,
    console,
    find,
    show_json,
    show_time,
)
from cli.tables import grid

# Events are tried at their own time, not at ours.
_END_OF_TIME = 2**40
_ASKED = {True: "asked", False: "not asked", None: "still waits"}


def simulate(  # noqa: PLR0913 - each is an option of the command.
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Events, one JSON object a line; '-' reads stdin.")
    ],
    *,
    campaigns: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, exists=True, help="A folder of campaigns; else those of the stage."
        ),
    ] = None,
    as_live: Annotated[
        bool, typer.Option("--as-live", help="As if every campaign were live.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many to show; all are counted.")] = 100,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Try events: who would be asked, when, and why not. In memory alone; with --campaigns without any network."""
    with readable_errors():
        events, broken = _read(file)
        chosen = (
            read_folder(campaigns) if campaigns else _of_stage(stage, stack, table, local=local)
        )
        fates = Simulation(chosen, as_live=as_live).run([event for _, event in events])
    rows = sorted([*(_row(events, each) for each in fates), *broken], key=lambda row: row["line"])
    counts = Counter(f"{row['outcome']}: {row['why']}".removesuffix(": ") for row in rows)
    if as_json:
        show_json({"counts": dict(counts), "events": len(events) + len(broken), "fates": rows})
    else:
        screen = console()
        if rows[:limit]:
            screen.print(
                grid(rows[:limit], "line", "kind", "occasion", "campaign", "outcome", "at", "why")
            )
        for what, count in counts.most_common():
            screen.print(f"{count:,} {what}", markup=False, soft_wrap=True)
    if broken:
        raise typer.Exit(1)


def _of_stage(stage: str, stack: str | None, table: str | None, *, local: bool) -> list[Campaign]:
    return list(find(stage, stack, table, local=local).parameters().campaigns().loaded)


def _read(file: str) -> tuple[list[tuple[int, ShopEvent]], list[dict[str, Any]]]:
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{file}: {type(error).__name__}.", "Name a text, a line each."
        ) from None
    events, broken = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            events.append((number, read(line, _END_OF_TIME)))
        except PoisonError as error:
            why = f"{error.reason}: {error.detail}"
            broken.append({"line": number, "outcome": "dead letter", "why": why})
    return events, broken


def _row(events: list[tuple[int, ShopEvent]], fate: Fate) -> dict[str, Any]:
    line, event = events[fate.event]
    occasion = fate.key.occasion.id if fate.key else getattr(event, "occasion", None)
    return {
        "line": line,
        "event": event.id,
        "kind": event.type,
        "occasion": occasion,
        "campaign": fate.key.campaign if fate.key else None,
        "outcome": _ASKED[fate.asked],
        "at": show_time(fate.at),
        "why": fate.why,
    }
