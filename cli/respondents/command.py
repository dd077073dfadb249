"""`afterword respondents import`."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from afterword.settings import LOCAL_STAGE
from cli.errors import readable_errors
from cli.places import DEFAULT_STAGE, Place, aws_client, find_place, local_clients
from cli.respondents.first_lines import FirstLines
from cli.respondents.importing import Outcome, read_customers, take_in
from cli.respondents.report import RefusedLines, open_report, progress
from cli.respondents.rows import open_csv, read_rows
from cli.respondents.source import Source, shop_name, written_at

app = typer.Typer(help="Customers, as a file tells of them.", no_args_is_help=True)


@app.callback()
def respondents() -> None:
    """Keep `import` a word of its own: typer drops the name of an only command."""


@app.command(name="import")
def import_(  # noqa: PLR0913 - each is an option of the command.
    file: Annotated[
        Path, typer.Argument(help="CSV: email, and any of token, language, zone, name.")
    ],
    *,
    shop: Annotated[str, typer.Option(help="The shop whose customers they are.")],
    stage: Annotated[str, typer.Option(help="The stage that is meant.")] = DEFAULT_STAGE,
    local: Annotated[
        bool, typer.Option("--local", help="The local cloud of 'make up', and no AWS account.")
    ] = False,
    stack: Annotated[
        str | None, typer.Option(help="The stack; else 'afterword', or 'afterword-STAGE'.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="The ledger's table; then no stack is looked at.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="When the file was written, by ISO 8601; else the file's own time."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where to list all refused lines, as CSV.")
    ] = None,
) -> None:
    """Import respondents from a CSV file. What a newer event said stays, and so does who left."""
    with readable_errors():
        name = shop_name(shop)
        clients = local_clients() if local else aws_client
        place = find_place(clients, LOCAL_STAGE if local else stage, stack, table)
        refused = _run(place, file, name, as_of, report, dry_run=dry_run)
    if refused:
        raise typer.Exit(1)


def _run(
    place: Place, file: Path, shop: str, as_of: str | None, report: Path | None, *, dry_run: bool
) -> int:
    """Import a file and show how it goes; return how many lines were refused."""
    console = Console()
    with ExitStack() as stack:
        opened = stack.enter_context(open_csv(file))
        status = os.fstat(opened.fileno())
        written = written_at(as_of, status.st_mtime, time.time())
        source = Source(shop, place.customer_secret(), written)
        refused = RefusedLines(stack.enter_context(open_report(report, file)))
        first_lines = stack.enter_context(closing(FirstLines()))
        show = stack.enter_context(progress(console, status.st_size))
        counts = take_in(
            place.ledger(),
            read_customers(read_rows(opened), source, first_lines, refused),
            lambda: int(time.time()),
            dry_run=dry_run,
            progressed=lambda respondents: show(opened.buffer.tell(), respondents),
        )
    for text in _summary(counts, refused, dry_run=dry_run):
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    return refused.count


def _summary(counts: Counter[Outcome], refused: RefusedLines, *, dry_run: bool) -> Iterator[str]:
    yield f"{counts.total():,} respondents:"
    yield from (f"  {counts[each]:,} {each}" for each in Outcome)
    yield from refused.lines()
    if refused.count:
        what = "1 line was" if refused.count == 1 else f"{refused.count:,} lines were"
        them = "it" if refused.count == 1 else "them"
        yield f"✘ {what} refused. Mend {them} and import the file again; the others may stay in it."
    if dry_run:
        yield "This was a dry run: nothing was written."
