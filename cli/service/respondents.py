"""A file of respondents on its way into the invitation service."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from cli.respondents.rows import Refused, Row
from cli.service.api import RejectedError
from invitation_service.directory.records import LABELS, is_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cli.respondents.first_lines import FirstLines

_LABELS = tuple(sorted(LABELS, key=lambda name: int(name[1:])))
COLUMNS = ("token", "email", "language", "unsubscribed", *_LABELS)
_AT_ONCE = 8
_BATCH = 200
_YES, _NO = {"1", "yes", "true"}, {"0", "no", "false"}


class Outcome(StrEnum):
    """What became of a line."""

    KEPT = "kept"
    REFUSED = "refused"


class Puts(Protocol):
    """Writes a record to the service."""

    def put(self, path: str, record: Mapping[str, Any]) -> object:
        """Write it. Raises RejectedError."""
        ...


def read_record(fields: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Make a respondent of a line's fields; what is empty is not told.

    Returns:
        Token and record, as `PUT /api/v2/ours/respondents/{token}` takes it.

    Raises:
        RejectedError: A field can't be used.
    """
    told = {name: text.strip() for name, text in fields.items() if text.strip()}
    token = told.get("token", "")
    if not is_token(token):
        raise RejectedError("token: it should have letters, digits, '_' and '-', at most 64")
    if "email" not in told:
        raise RejectedError("email: it is missing")
    record: dict[str, Any] = {
        "email": told["email"],
        "labels": {name: told[name] for name in _LABELS if name in told},
    }
    if "language" in told:
        record["language"] = told["language"]
    if "unsubscribed" in told:
        record["unsubscribed"] = _flag(told["unsubscribed"])
    return token, {"respondent": record}


def _flag(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise RejectedError("unsubscribed: it should be yes or no")
    return text.lower() in _YES


def import_rows(
    service: Puts,
    rows: Iterable[Row | Refused],
    first_lines: FirstLines,
    refuse: Callable[[Refused], None],
    progressed: Callable[[int], None],
) -> Counter[Outcome]:
    """Put every row's respondent into the service, a few at once.

    Args:
        service: The service; its records can be put again.
        rows: The rows.
        first_lines: Knows nothing yet.
        refuse: Takes what can't be taken, in the order of the lines.
        progressed: Called after each stretch with the number of lines so far.

    Raises:
        CommandError: The service can't be reached. What was put stays; the same import goes on.
    """
    counts: Counter[Outcome] = Counter()
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        for stretch in batched(rows, _BATCH, strict=False):
            first = [_first_of_its_token(row, first_lines) for row in stretch]
            for refused in workers.map(lambda row: _put(service, row), first):
                counts[Outcome.REFUSED if refused else Outcome.KEPT] += 1
                if refused:
                    refuse(refused)
            progressed(counts.total())
    return counts


def _first_of_its_token(row: Row | Refused, first_lines: FirstLines) -> Row | Refused:
    if isinstance(row, Refused):
        return row
    first = first_lines.note(row.fields.get("token", "").strip(), row.line)
    return row if first == row.line else Refused(row.line, f"token: line {first} has the same")


def _put(service: Puts, row: Row | Refused) -> Refused | None:
    if isinstance(row, Refused):
        return row
    try:
        token, record = read_record(row.fields)
        service.put(f"ours/respondents/{quote(token, safe='')}", record)
    except RejectedError as error:
        return Refused(row.line, str(error).replace("respondent.", ""))
    return None
