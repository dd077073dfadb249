"""Records as a person or a program reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def show(rows: Sequence[Mapping[str, Any]], if_none: str, *, as_json: bool) -> None:
    """Print rows, all with the same columns: as a table, or as JSON."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        typer.echo(if_none)
        return
    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for each in rows:
        table.add_row(*("" if value is None else str(value) for value in each.values()))
    Console(markup=False, highlight=False).print(table)
