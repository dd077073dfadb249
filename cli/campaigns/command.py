"""`afterword campaigns`: what there is, whether a file loads, what it would change, and putting it there."""

from pathlib import Path
from typing import Annotated, Any

import typer

from afterword.deciding.account_errors import AccountError
from cli.campaigns.texts import Store, Text, all_faults, differences, read_file, warnings
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
    show_json,
)
from cli.places import Place
from cli.tables import grid

app = typer.Typer(help="Campaigns: which event leads to which survey.", no_args_is_help=True)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="Campaigns; a file's name is the id.")
]
_COLUMNS = ("campaign", "mode", "shop", "event", "account", "survey", "delay", "fault")


@app.command(name="list")
def list_(
    *,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """List the campaigns that are there, and what is wrong with those that don't load."""
    with readable_errors():
        rows = [_row(each) for each in Store(find(stage, stack, table, local=local)).all()]
    if as_json:
        show_json(rows)
    elif rows:
        console().print(grid(rows, *_COLUMNS))
    else:
        console().print("There are no campaigns.")
    if any(row["fault"] for row in rows):
        raise typer.Exit(1)


@app.command()
def check(files: Files, *, as_json: AsJson = False) -> None:
    """Read files as the functions will, and name every fault. Needs no network."""
    with readable_errors():
        faults = all_faults(read_file(file) for file in files)
    if as_json:
        show_json(faults)
    else:
        _tell(faults)
    if any(faults.values()):
        raise typer.Exit(1)


@app.command()
def diff(  # noqa: PLR0913 - each is an option of the command.
    files: Files,
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if something differs.")
    ] = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Show what files would change."""
    with readable_errors():
        store = Store(find(stage, stack, table, local=local))
        found = {}
        for new in map(read_file, files):
            old = store.read(new.id)
            found[new.id] = (differences(old, new), [*_faults(new), *warnings(old, new)])
    if as_json:
        show_json({each: {"diff": lines, "mind": mind} for each, (lines, mind) in found.items()})
    else:
        for each, (lines, mind) in found.items():
            _show(each, lines, mind)
    if exit_code and any(lines for lines, _ in found.values()):
        raise typer.Exit(1)


@app.command()
def put(  # noqa: PLR0913 - each is an option of the command.
    files: Files,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Show what files would change, ask, and put them there. The functions follow within a minute."""
    with readable_errors():
        texts = [read_file(file) for file in files]
        faults = all_faults(texts)
        if any(faults.values()):
            _tell(faults, stderr=True)
            raise CommandError("Nothing was put.", "Mend the files.")
        place = find(stage, stack, table, local=local)
        store = Store(place)
        done = {each.id: _put(place, store, each, yes=yes, quiet=as_json) for each in texts}
    if as_json:
        show_json({"versions": done})
        return
    for name, version in done.items():
        what = f"version {version} is in force within a minute" if version else "unchanged"
        console().print(f"{name}: {what}.", markup=False)


def _put(place: Place, store: Store, new: Text, *, yes: bool, quiet: bool) -> int | None:
    old = store.read(new.id)
    lines = differences(old, new)
    if old and not lines:
        return None
    # On stderr where stdout is for programs: whoever is asked must see it.
    _show(new.id, lines, [*warnings(old, new), *_account_faults(place, new)], stderr=quiet)
    confirm(f"Put {new.id} into {place.prefix}?", yes=yes)
    return store.put(new)


def _account_faults(place: Place, new: Text) -> list[str]:
    """Look whether the account is there: without it, all that is due waits."""
    campaign = new.campaign()
    if campaign is None:
        return []
    try:
        place.parameters().account(campaign.account)
    except AccountError as error:
        return [f"account {campaign.account}: {fault}" for fault in error.faults]
    return []


def _faults(text: Text) -> list[str]:
    return [f"does not load: {fault}" for fault in text.faults()]


def _show(campaign: str, lines: list[str], mind: list[str], *, stderr: bool = False) -> None:
    screen = console(stderr=stderr)
    if not lines:
        screen.print(f"{campaign}: the same is there.", markup=False)
    for line in lines:
        colour = {"+": "green", "-": "red"}.get(line[:1], "")
        screen.print(line, style=colour, markup=False, soft_wrap=True)
    for each in mind:
        screen.print(f"! {each}", style="bold yellow", markup=False, soft_wrap=True)


def _tell(faults: dict[str, tuple[str, ...]], *, stderr: bool = False) -> None:
    screen = console(stderr=stderr)
    for campaign, found in faults.items():
        screen.print(f"{campaign}: {'it does not load' if found else 'it loads'}", markup=False)
        for fault in found:
            screen.print(f"  {fault}", markup=False, soft_wrap=True)


def _row(text: Text) -> dict[str, Any]:
    campaign = text.campaign()
    known = campaign.model_dump(mode="json") if campaign else {}
    shown = {name: known.get(name) for name in _COLUMNS[1:-1]}
    return {"campaign": text.id, **shown, "fault": "; ".join(text.faults()) or None}
