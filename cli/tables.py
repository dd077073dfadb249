"""Rows as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def grid(rows: Iterable[Mapping[str, Any]], *columns: str, title: str | None = None) -> Table:
    """Lay rows out, a line for each; what a shop calls its orders is never taken for markup.

    Args:
        rows: By column; None is left empty.
        columns: Which ones, in this order.
        title: What stands above.
    """
    found = Table(*columns, title=title, title_justify="left")
    for row in rows:
        found.add_row(*(escape(_cell(row.get(name))) for name in columns))
    return found


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    # Without commas: many numbers are ids.
    return str(value)
