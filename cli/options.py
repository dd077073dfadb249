"""Options that the operator's commands have in common, and the installation that they name."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from afterword.reading.fields import Instant
from afterword.settings import LOCAL_STAGE
from cli import places
from cli.errors import CommandError
from cli.places import DEFAULT_STAGE, Place

Stage = Annotated[str, typer.Option(help="The stage that is meant.")]
Local = Annotated[
    bool, typer.Option("--local", help="The local cloud of 'make up', and no AWS account.")
]
Stack = Annotated[
    str | None, typer.Option(help="The stack; else 'afterword', or 'afterword-STAGE'.")
]
Table = Annotated[
    str | None, typer.Option("--table", help="The ledger's table; then no stack is looked at.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]

_INSTANT = TypeAdapter[datetime](Instant)
# Of a table that nobody looks at on a screen.
_WIDE = 240

__all__ = ["DEFAULT_STAGE", "AsJson", "Local", "Stack", "Stage", "Table", "Yes"]


def find(stage: str, stack: str | None, table: str | None, *, local: bool) -> Place:
    """Find the installation that the options name. Raises CommandError."""
    clients = places.local_clients() if local else places.aws_client
    return places.find_place(clients, LOCAL_STAGE if local else stage, stack, table)


def now() -> int:
    """Return the wall time in Unix seconds."""
    return int(time.time())


def show_json(what: Any) -> None:  # noqa: ANN401 -- whatever JSON takes
    """Print a document on stdout."""
    typer.echo(json.dumps(what, indent=2, ensure_ascii=False))


def show_time(at: int | None) -> str:
    """Return a time (Unix seconds) as people and programs read it; nothing for None."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def confirm(question: str, *, yes: bool) -> None:
    """Ask on stderr, so that stdout stays clean. Raises typer.Abort, which ends with 1."""
    if not yes:
        typer.confirm(question, abort=True, err=True)


def console(*, stderr: bool = False) -> Console:
    """Return a console; piped into a file, its tables are as wide as they need to be."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)


def read_time(text: str, option: str) -> int:
    """Return the Unix seconds of a time that an option gives.

    Raises:
        CommandError: It is no time by ISO 8601 with a zone.
    """
    try:
        return int(_INSTANT.validate_python(text).timestamp())
    except ValidationError:
        raise CommandError(
            f"{option}: {text!r} is no time with a zone.", "Write it as 2026-01-31T12:00:00Z."
        ) from None
