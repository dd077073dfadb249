"""A CSV file, read line by line: memory never holds more of it than a line.

Only the shape is looked at here: quotes, encoding, the number of fields. The dialect is RFC 4180's
(https://www.rfc-editor.org/rfc/rfc4180), with semicolons or tabs where the first line has them.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import chain
from typing import TYPE_CHECKING

from cli.errors import CommandError
from cli.respondents.respondent import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedReader
    from pathlib import Path
    from typing import TextIO

LONGEST_LINE = 65_536  # characters; a good one has no thousand
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A record, by column; `line` is the one on which it begins."""

    line: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that can't be taken, and why; the reason never shows what the line holds."""

    line: int
    reason: str


class _TooLongError(Exception):
    """A line never ends: whatever this file is, to read on would fill the memory."""


def open_csv(path: Path) -> TextIOWrapper[BufferedReader]:
    """Open a file for `read_rows`: UTF-8, with or without a byte order mark.

    Raises:
        CommandError: It can't be read, or is no file that stays, such as a pipe: it has neither time nor size.
    """
    if not path.is_file():
        raise CommandError(f"{path} is no file.", "Name a CSV file.")
    try:
        opened = path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.", "Name a CSV file.") from None
    # Bytes that are no UTF-8 become surrogates, by which their line is known later.
    return TextIOWrapper(opened, encoding="utf-8-sig", errors="surrogateescape", newline="")


def read_rows(file: TextIO, known: Sequence[str] = COLUMNS) -> Iterator[Row | Refused]:
    """Read a file's records; empty lines are passed over.

    Args:
        file: As `open_csv` opens it.
        known: What columns there may be; the first one must be there.

    Yields:
        Records and refused lines, in order.

    Raises:
        CommandError: The first line doesn't name the columns, so that nothing can be read.
    """
    lines = _lines(file)
    try:
        first = next(lines, "")
    except _TooLongError:
        first = ""
    reader = csv.reader(chain([first], lines), delimiter=_delimiter(first), strict=True)
    columns = _columns(reader, known)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Refused(line, _unread(line, reader.line_num))
            continue
        except _TooLongError:
            long = reader.line_num + 1
            reason = f"it has more than {LONGEST_LINE:,} characters; nothing was read from here on"
            yield Refused(long, reason)
            return
        if any(map(str.strip, fields)):
            yield _row(line, fields, columns)


def _lines(file: TextIO) -> Iterator[str]:
    for line in iter(partial(file.readline, LONGEST_LINE + 1), ""):
        if len(line) > LONGEST_LINE:
            raise _TooLongError
        yield line


def _delimiter(first: str) -> str:
    # No column's name holds one of them, so there is nothing to guess.
    return next((each for each in ";\t" if each in first), ",")


def _columns(reader: Iterator[list[str]], known: Sequence[str]) -> list[str]:
    needed, *others = known
    then = f"The first line names the columns: {needed}, and any of {', '.join(others)}."
    try:
        columns = [name.strip().lower() for name in next(reader)]
    except (csv.Error, _TooLongError):
        columns = []
    if _is_no_text("".join(columns)):
        raise CommandError("The file is not UTF-8.", "Save it as 'CSV UTF-8'.")
    if needed not in columns:
        raise CommandError(f"Line 1: there is no column {needed}.", then)
    for number, name in enumerate(columns, start=1):
        # By number: if this is no header after all, the name is somebody's.
        if name not in known:
            raise CommandError(f"Line 1: column {number} is none that is known.", then)
    if len(set(columns)) < len(columns):
        raise CommandError("Line 1: a column is there twice.", then)
    return columns


def _row(line: int, fields: list[str], columns: list[str]) -> Row | Refused:
    text = "".join(fields)
    if "\0" in text:
        return Refused(line, "it holds a NUL byte")
    if _is_no_text(text):
        return Refused(line, "it is not UTF-8")
    if len(fields) != len(columns):
        return Refused(line, f"it has {len(fields)} fields, the first line has {len(columns)}")
    return Row(line, dict(zip(columns, fields, strict=True)))


def _is_no_text(text: str) -> bool:
    return "\0" in text or bool(_SURROGATE.search(text))


def _unread(first: int, last: int) -> str:
    reason = "its quotes don't match"
    return reason if last <= first else f"{reason}, so lines {first} to {last} were not read"
