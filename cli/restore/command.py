"""`afterword restore`: what a restored ledger needs before functions may look at it."""

import re
from collections import Counter
from typing import Annotated

import typer

from afterword.operating.restore import Restore
from afterword.operating.restore import restore as hold_what_may_have_gone_out
from cli.errors import CommandError, readable_errors
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Table,
    Yes,
    confirm,
    console,
    find,
    now,
    read_time,
    show_json,
    show_time,
)
from cli.progress import counting

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def restore(  # noqa: PLR0913 - each is an option of the command.
    *,
    restored_to: Annotated[
        str, typer.Option(help="The point in time of the restore, by ISO 8601 with a zone.")
    ],
    margin: Annotated[
        str, typer.Option(help="Until how long after it something may have been sent: 90m, 1h, 2d.")
    ] = "1h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """After a point-in-time restore: pause everything, and hold what may have been sent since."""
    with readable_errors():
        at = now()
        point = read_time(restored_to, "--restored-to")
        until = point + _seconds(margin)
        if point > at:
            raise CommandError("--restored-to: it lies ahead.", "Name the point of the restore.")
        place = find(stage, stack, table, local=local)
        if until < at:
            typer.echo(
                f"What is due after {show_time(until)} is not held. If the old ledger's functions ran"
                " longer than that, say a longer --margin, or they are asked twice.",
                err=True,
            )
        question = f"Pause {place.table}, and hold all that is due by {show_time(until)}?"
        confirm(question, yes=yes or dry_run)
        with counting("rows") as show:
            wanted = Restore(until, at, dry_run=dry_run)
            counts = hold_what_may_have_gone_out(place.ledger(), wanted, show)
    _show(counts, dry_run=dry_run, as_json=as_json)


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not found:
        raise CommandError(f"--margin: {text!r} is no duration.", "Write it as 90m, 1h or 2d.")
    return int(found[1]) * _UNITS[found[2]]


def _show(counts: Counter[str], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        show_json({"held": counts.total(), "by": dict(counts), "dry_run": dry_run})
        return
    screen = console()
    would = "would be " if dry_run else ""
    screen.print(f"{counts.total():,} invitations {would}held as restored:", markup=False)
    for name, count in counts.items():
        screen.print(f"  {count:,} {name}", markup=False)
    if dry_run:
        screen.print("This was a dry run: nothing was written.")
    else:
        screen.print("Everything is paused. Next: point the functions here, look at 'held list',")
        screen.print("resolve, and then 'resume --all'.")
