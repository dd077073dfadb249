"""`afterword service surveys`, `templates`, `respondents` and `nps`: records, over the service's API."""

import os
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.errors import CommandError, readable_errors
from cli.respondents.first_lines import FirstLines
from cli.respondents.report import RefusedLines, open_report, progress
from cli.respondents.rows import open_csv, read_rows
from cli.service.api import RejectedError, ServiceApi
from cli.service.respondents import COLUMNS, Outcome, import_rows
from cli.service.tables import show

if TYPE_CHECKING:
    from cli.service.desk import Desk

surveys = typer.Typer(help="Surveys.", no_args_is_help=True)
templates = typer.Typer(help="Texts of invitations by webhook.", no_args_is_help=True)
respondents = typer.Typer(help="People whom webhooks may invite.", no_args_is_help=True)

Account = Annotated[str, typer.Option(help="Whose it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@templates.callback()
def _templates() -> None:
    """Keep `put` a word of its own."""


@respondents.callback()
def _respondents() -> None:
    """Keep `import` a word of its own."""


@surveys.command(name="list")
def list_(context: typer.Context, *, account: Account, as_json: AsJson = False) -> None:
    """List the surveys."""
    with readable_errors():
        desk: Desk = context.obj
        found = _all_surveys(desk.api(account))
        rows = [{name: each[name] for name in ("id", "name", "status")} for each in found]
        show(rows, "There are no surveys yet.", as_json=as_json)


def _all_surveys(api: ServiceApi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in count(1):
        answer = api.get(f"nps/surveys?page={page}")
        found += answer["surveys"]
        if not answer["next_page"]:
            break
    return found


@surveys.command()
def put(  # noqa: PLR0913 - each is an option of the command.
    context: typer.Context,
    survey: Annotated[int, typer.Argument(help="Its id, such as the one that clients carry.")],
    *,
    account: Account,
    name: Annotated[str, typer.Option(help="What you call it.")],
    subject: Annotated[str | None, typer.Option(help="Who is rated; else the name.")] = None,
    intro: Annotated[str | None, typer.Option(help="What stands above the question.")] = None,
    color: Annotated[str | None, typer.Option(help="Of buttons and lines, as #77a500.")] = None,
) -> None:
    """Make a survey, or change what is said of it."""
    told = {"subject": subject, "intro_text": intro, "highlight_color": color}
    settings = {key: value for key, value in told.items() if value is not None}
    with readable_errors():
        desk: Desk = context.obj
        api = desk.api(account)
        _put(api, f"ours/surveys/{survey}", {"survey": {"name": name}})
        if settings:
            _put(api, f"nps/surveys/{survey}", {"survey": settings})
        typer.echo(f"Survey {survey} is there.")


@surveys.command()
def close(
    context: typer.Context,
    survey: Annotated[int, typer.Argument(help="Its id.")],
    *,
    account: Account,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Close a survey: it takes no invitations and no answers any more."""
    with readable_errors():
        desk: Desk = context.obj
        api = desk.api(account)
        if not yes:
            typer.confirm(f"Close survey {survey} for good?", abort=True)
        try:
            api.close_survey(survey)
        except RejectedError as error:
            raise CommandError(f"{error}.", "Look at 'surveys list'.") from None
        typer.echo(f"Survey {survey} is closed.")


@templates.command(name="put")
def put_template(
    context: typer.Context,
    template: Annotated[int, typer.Argument(help="Its id.")],
    file: Annotated[Path, typer.Argument(help="Its text, in UTF-8; [LINK] becomes the address.")],
    *,
    account: Account,
    subject: Annotated[str, typer.Option(help="The mail's subject.")],
) -> None:
    """Keep a template in place of what has its id."""
    with readable_errors():
        desk: Desk = context.obj
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"{file} can't be read ({type(error).__name__}).", "Name a file of text in UTF-8."
            ) from None
        record = {"template": {"subject": subject, "text": text}}
        _put(desk.api(account), f"ours/templates/{template}", record)
        typer.echo(f"Template {template} is there.")


@respondents.command(name="import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV: token, email, language, unsubscribed, l1…l15.")
    ],
    *,
    account: Account,
    report: Annotated[
        Path | None, typer.Option(help="Where to list all refused lines, as CSV.")
    ] = None,
) -> None:
    """Import respondents from a CSV file. Who is there already by the token is replaced."""
    with readable_errors():
        desk: Desk = context.obj
        refused = _import(desk.api(account), file, report)
    if refused:
        raise typer.Exit(1)


def _import(api: ServiceApi, file: Path, report: Path | None) -> int:
    console = Console(markup=False, highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        opened = stack.enter_context(open_csv(file))
        refused = RefusedLines(stack.enter_context(open_report(report, file)))
        first_lines = stack.enter_context(closing(FirstLines()))
        bar = stack.enter_context(progress(console, os.fstat(opened.fileno()).st_size))
        counts = import_rows(
            api,
            read_rows(opened, COLUMNS),
            first_lines,
            refused,
            lambda lines: bar(opened.buffer.tell(), lines),
        )
    console.print(f"{counts[Outcome.KEPT]:,} respondents are there.")
    for text in refused.lines():
        console.print(text)
    if refused.count:
        console.print(f"✘ {refused.count:,} refused. Mend them and import the file again.")
    return refused.count


def nps(
    context: typer.Context,
    survey: Annotated[int, typer.Argument(help="The survey's id.")],
    *,
    account: Account,
    as_json: AsJson = False,
) -> None:
    """Show a survey's Net Promoter Score."""
    with readable_errors():
        desk: Desk = context.obj
        result: dict[str, Any] = desk.api(account).get(f"ours/surveys/{survey}/nps")["nps"]
        show([result], "", as_json=as_json)


def _put(api: ServiceApi, path: str, record: dict[str, Any]) -> None:
    try:
        api.put(path, record)
    except RejectedError as error:
        raise CommandError(
            f"The invitation service says: {error}.", "Mend it and try again."
        ) from None
