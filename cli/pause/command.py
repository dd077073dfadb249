"""`afterword pause` and `afterword resume`: nothing goes out for now, and nothing is lost."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table as Grid

from afterword.remembering.pauses import EVERYTHING, Pause, of_account, of_campaign
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
from cli.places import Place

Campaign = Annotated[str | None, typer.Option(help="One campaign.")]
Account = Annotated[
    str | None, typer.Option(help="One provider's account, with all its campaigns.")
]
Everything = Annotated[bool, typer.Option("--all", help="Everything.")]


def pause(  # noqa: PLR0913 - each is an option of the command.
    *,
    campaign: Campaign = None,
    account: Account = None,
    everything: Everything = False,
    until: Annotated[
        str | None, typer.Option(help="When it ends by itself, by ISO 8601 with a zone.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever asks.")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Send nothing for now: a campaign's, an account's, or nothing at all. Without these: list what is paused."""
    with readable_errors():
        place = find(stage, stack, table, local=local)
        ledger = place.ledger()
        if campaign is None and account is None and not everything:
            _show(ledger.pauses(), as_json=as_json)
            return
        name = _name(campaign, account, everything=everything)
        _check(place, campaign, account)
        at = now()
        end = read_time(until, "--until") if until else None
        if end is not None and end <= at:
            raise CommandError("--until: it is over already.", "Name a time to come.")
        confirm(f"Pause {name}? What is due waits, and expires by its campaign's rule.", yes=yes)
        ledger.put_pause(name, Pause(at, end, reason))
        _show(ledger.pauses(), as_json=as_json)


def resume(  # noqa: PLR0913 - each is an option of the command.
    *,
    campaign: Campaign = None,
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Lift 'pause --all'; other pauses stay.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Lift a pause: what waited goes out with the next sweep."""
    with readable_errors():
        name = _name(campaign, account, everything=everything)
        ledger = find(stage, stack, table, local=local).ledger()
        confirm(f"Resume {name}? All that is due goes out.", yes=yes)
        if not ledger.end_pause(name):
            typer.echo(f"{name} was not paused.", err=True)
        _show(ledger.pauses(), as_json=as_json)


def _name(campaign: str | None, account: str | None, *, everything: bool) -> str:
    named = [
        *([of_campaign(campaign)] if campaign else []),
        *([of_account(account)] if account else []),
        *([EVERYTHING] if everything else []),
    ]
    if len(named) != 1:
        raise CommandError("Name one of --campaign, --account and --all.", "'pause' alone lists.")
    return named[0]


def _check(place: Place, campaign: str | None, account: str | None) -> None:
    """Refuse a slip: a pause of a name that nothing has would stop nothing, and nobody would know."""
    if campaign is None and account is None:
        return
    found = place.parameters().campaigns()
    known = place.ledger().campaigns() | {each.id for each in found.loaded}
    known |= {each.campaign for each in found.broken}
    if account is not None:
        known = {each.account for each in found.loaded}
    if (account or campaign) not in known:
        what = "campaign has the account" if account else "campaign is called"
        raise CommandError(
            f"No {what} {account or campaign}.", f"Known: {', '.join(sorted(known)) or 'none'}."
        )


def _show(pauses: Mapping[str, Pause], *, as_json: bool) -> None:
    """Show what is paused now; what has ended by itself is history."""
    at = now()
    rows = [
        {
            "paused": name,
            "since": show_time(each.since),
            "until": show_time(each.until) or "resumed",
            "reason": each.reason or "",
        }
        for name, each in sorted(pauses.items())
        if each.end > at
    ]
    if as_json:
        show_json({"pauses": rows})
        return
    screen = console()
    if not rows:
        screen.print("Nothing is paused.")
        return
    grid = Grid("paused", "since", "until", "reason")
    for row in rows:
        grid.add_row(*row.values())
    screen.print(grid)
