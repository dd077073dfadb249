"""The command behind `make drill`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from local import cloud as clouds
from local.drill.drill import drill, world
from local.drill.faults import FAULTS
from local.drill.table import failures, table

if TYPE_CHECKING:
    from local.drill.drill import Row


def run(
    only: Annotated[
        str | None, typer.Option(help="Only faults whose name holds this; '' is all.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A file for the same as JSON.")] = None,
) -> None:
    """Let each fault come on a local cloud, and show which alarms went off, and that they were over in the end."""
    screen = Console()
    chosen = [each for each in FAULTS if (only or "") in each.name]
    rows: list[Row] = []
    with clouds.running("drill") as cloud, world(cloud) as made:
        for fault in chosen:
            screen.print(f"{len(rows) + 1:2} of {len(chosen)}: {fault.name}", highlight=False)
            rows.append(drill(made, fault))
        loud = made.watch.loud if len(chosen) == len(FAULTS) else set()
    screen.print(table(rows))
    if out:
        typed = {row.fault.name: {"rang": row.rang, "typed": row.typed} for row in rows}
        out.write_text(json.dumps(typed))
    wrong = failures(rows, loud)
    for each in wrong:
        screen.print(each, highlight=False, markup=False)
    if wrong or not rows:
        raise typer.Exit(1)
    screen.print(f"All {len(rows)} faults set off their alarms and no others, and all were over.")
