"""Dead letters, as the operator sees them: never the body, unless it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from afterword.operating.dead_letters import first_sent_at, source, why
from cli.options import show_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from afterword.remembering.dead_letter_queue import Letter

type Row = dict[str, Any]

_COLUMNS = ("id", "reason", "detail", "since", "age", "from", "receives", "redrives", "bytes")
_LONGEST_CELL = 60


def row(letter: Letter, now: int) -> Row:
    """Describe a letter. `now` in Unix seconds."""
    known = why(letter)
    sent_at = first_sent_at(letter)
    return {
        "id": letter.id,
        "reason": known.reason,
        "detail": known.detail,
        "since": show_time(sent_at),
        "age": _age(now - sent_at),
        "from": source(letter),
        "message_id": letter.attributes.get("message_id", ""),
        "receives": letter.receives,
        "redrives": letter.redrives,
        "bytes": len(letter.body.encode()),
    }


def table(rows: Iterable[Row]) -> Table:
    """Lay rows out, a line for each."""
    found = Table(*_COLUMNS)
    for each in rows:
        found.add_row(*(_cut(str(each[name])) for name in _COLUMNS))
    return found


def groups(reasons: Mapping[str, int], explained: Mapping[str, tuple[str, str]]) -> Table:
    """Lay out how many letters have which reason, and what to do about them."""
    found = Table("letters", "reason", "what it means", "what to do")
    for reason, count in reasons.items():
        found.add_row(f"{count:,}", reason, *explained[reason])
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _age(seconds: int) -> str:
    days, rest = divmod(max(0, seconds), 86_400)
    hours, rest = divmod(rest, 3600)
    return f"{days} d {hours} h" if days else f"{hours} h {rest // 60} min"
