"""The table of the drill: fault by alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.drill.drill import Row


def table(rows: Sequence[Row]) -> Table:
    """Return what rang for each fault, when, and how it ended."""
    made = Table(title="Fire drill")
    for name in ("fault", "alarm (minute)", "others", "over after", "commands"):
        made.add_column(name, overflow="fold")
    for row in rows:
        wanted = [
            f"{_short(name)} ({row.rang[name]})"
            if name in row.rang
            else f"{_short(name)} (silent!)"
            for name in sorted(row.fault.alarms)
        ]
        others = sorted(set(row.rang) - row.fault.alarms)
        over = (
            f"{row.ended} min"
            if not row.left
            else f"not over: {', '.join(map(_short, sorted(row.left)))}"
        )
        mark = "" if row.kept else "[red]"
        made.add_row(
            f"{mark}{row.fault.name}",
            "\n".join(wanted),
            "\n".join(map(_short, others)) or "none",
            over,
            "\n".join(row.typed) or "-",
        )
    return made


def failures(rows: Sequence[Row], loud: set[str]) -> list[str]:
    """Return what did not go as it should, in words; nothing if all did.

    Args:
        rows: What each fault led to.
        loud: The alarms of which each must have gone off for some fault.
    """
    found = []
    for row in rows:
        silent, others = row.fault.alarms - set(row.rang), set(row.rang) - row.fault.alarms
        kinds = (
            ("did not go off", silent),
            ("went off as well", others),
            ("is not over", row.left),
        )
        found += [
            f"{row.fault.name}: {_short(name)} {what}"
            for what, names in kinds
            for name in sorted(names)
        ]
    heard = {name for row in rows for name in row.rang}
    return found + [f"no fault sets off {_short(name)}" for name in sorted(loud - heard)]


def _short(name: str) -> str:
    return name.removesuffix("Alarm")
