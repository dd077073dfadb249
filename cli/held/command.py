"""`afterword held`: what waits for a person, and what the person says."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from afterword.operating import held
from afterword.operating.held import Resolution, Resolved
from afterword.remembering.ledger import Ledger
from afterword.remembering.records import Batch, BatchState, Invitation, State
from cli.errors import CommandError, readable_errors
from cli.held.rows import row, table
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
    show_json,
)
from cli.progress import counting

app = typer.Typer(help="Invitations that wait for a person.", no_args_is_help=True)

Campaign = Annotated[str | None, typer.Option(help="Only this campaign's.")]
Why = Annotated[str | None, typer.Option("--reason", help="Only what is held for this reason.")]
ShowCustomer = Annotated[bool, typer.Option("--show-customer", help="Show e-mail addresses, too.")]
# Of a batch in a list: 'held show' has all.
_MOST_MEMBERS = 10
_HELD = {State.HELD, BatchState.HELD}
_MEANS = {
    Resolution.SENT: "counts as sent",
    Resolution.RESEND: "is asked again, though it may have been asked before",
    Resolution.DROP: "is never asked",
}

type Done = dict[str, int | list[str]]
_SAYS = {"resolved": "Resolved", "not_held": "Not held any more", "unknown": "There is no"}


@app.command(name="list")
def list_(  # noqa: PLR0913 - each is an option of the command.
    *,
    campaign: Campaign = None,
    reason: Why = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show; all are counted.")] = 100,
    show_customer: ShowCustomer = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table_name: Table = None,
) -> None:
    """List held invitations and batches, with since when and why."""
    with readable_errors():
        ledger = find(stage, stack, table_name, local=local).ledger()
        found = held.find(ledger, _campaigns(ledger, campaign), reason)
        reasons: Counter[str] = Counter()
        with counting("held entries") as show:
            # First those that are shown: the others are counted without being kept.
            first = list(islice(_counted(found, reasons, show), limit))
            rows = [
                row(ledger, each, show_customer=show_customer, most=_MOST_MEMBERS) for each in first
            ]
            for _ in _counted(found, reasons, show, len(first)):
                pass
    if as_json:
        show_json({"total": reasons.total(), "reasons": dict(reasons), "held": rows})
        return
    screen = console()
    if rows:
        screen.print(table(rows, show_customer=show_customer))
    screen.print(f"{reasons.total():,} held invitations.")
    for name, count in reasons.most_common():
        screen.print(f"  {count:,} {name}", markup=False)


def _counted(
    found: Iterable[Invitation | Batch],
    reasons: Counter[str],
    show: Callable[[int], None],
    seen: int = 0,
) -> Iterator[Invitation | Batch]:
    for number, each in enumerate(found, seen + 1):
        reasons[each.reason or "unknown"] += each.size if isinstance(each, Batch) else 1
        show(number)
        yield each


def _campaigns(ledger: Ledger, campaign: str | None) -> set[str]:
    known = ledger.campaigns()
    if campaign and campaign not in known:
        raise CommandError(
            f"No campaign {campaign} has ever had an invitation.",
            f"Known: {', '.join(sorted(known)) or 'none'}.",
        )
    return {campaign} if campaign else known


@app.command()
def show(  # noqa: PLR0913 - each is an option of the command.
    identity: Annotated[str, typer.Argument(metavar="ID", help="As 'held list' shows it.")],
    *,
    show_customer: ShowCustomer = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table_name: Table = None,
) -> None:
    """Show one held invitation, or a batch with all its members."""
    with readable_errors():
        ledger = find(stage, stack, table_name, local=local).ledger()
        found = held.read(ledger, identity)
        if found is None:
            raise CommandError(f"There is no {identity}.", "See 'afterword held list'.")
        shown = row(ledger, found, show_customer=show_customer)
    if as_json:
        show_json(shown)
        return
    screen = console()
    members = shown.pop("members")
    for name, value in shown.items():
        screen.print(f"{name}: {value}", markup=False, soft_wrap=True)
    each_alone = ({**shown, "members": [each], "invitations": 1} for each in members)
    screen.print(table(each_alone, show_customer=show_customer))


@app.command()
def resolve(  # noqa: PLR0913 - each is an option of the command.
    identities: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="As 'held list' shows them.")
    ] = None,
    *,
    resolution: Annotated[
        Resolution, typer.Option("--as", help="What became of it, or is to become of it.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="All of --campaign, and held for --reason, if given.")
    ] = False,
    campaign: Campaign = None,
    reason: Why = None,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table_name: Table = None,
) -> None:
    """Say what becomes of held invitations: sent, resend or drop."""
    with readable_errors():
        if everything == bool(identities):
            raise CommandError("Name either ids or --all.", "See 'afterword held list'.")
        if identities and (campaign or reason):
            raise CommandError("--campaign and --reason go with --all.", "Leave them out.")
        ledger = find(stage, stack, table_name, local=local).ledger()
        if everything:
            campaigns = _campaigns(ledger, campaign)
            count = _count(ledger, campaigns, reason)
            _ask(count, resolution, yes=yes)
            # Read anew: somebody may have been at it while the question stood.
            resolved = _resolve(ledger, held.find(ledger, campaigns, reason), resolution)
            done: Done = {"resolved": resolved.invitations}
        else:
            done = _resolve_named(ledger, identities or [], resolution, yes=yes)
    if as_json:
        show_json(done)
    else:
        for name, value in done.items():
            what = f"{value:,}" if isinstance(value, int) else ", ".join(value)
            console().print(f"{_SAYS[name]}: {what}", markup=False, soft_wrap=True)
    if "unknown" in done:
        raise typer.Exit(1)


def _count(ledger: Ledger, campaigns: set[str], reason: str | None) -> int:
    with counting("held entries") as show:
        counts: Counter[str] = Counter()
        for _ in _counted(held.find(ledger, campaigns, reason), counts, show):
            pass
    return counts.total()


def _ask(count: int, resolution: Resolution, *, yes: bool) -> None:
    them = "1 invitation" if count == 1 else f"{count:,} invitations"
    confirm(f"{them}: each {_MEANS[resolution]}. Go on?", yes=yes or not count)


def _resolve(
    ledger: Ledger, found: Iterable[Invitation | Batch], resolution: Resolution
) -> Resolved:
    with counting("held entries") as show:
        return held.resolve_all(ledger, found, resolution, now(), show)


def _resolve_named(
    ledger: Ledger, identities: list[str], resolution: Resolution, *, yes: bool
) -> Done:
    """Resolve what is named; tell what there is not, and what was not held any more."""
    found = {identity: held.read(ledger, identity) for identity in dict.fromkeys(identities)}
    waiting = [each for each in found.values() if each and each.state in _HELD]
    _ask(sum(each.size if isinstance(each, Batch) else 1 for each in waiting), resolution, yes=yes)
    resolved = _resolve(ledger, waiting, resolution)
    unknown = [identity for identity, each in found.items() if each is None]
    late = [
        f"{identity} ({each.state}{f', {each.reason}' if each.reason else ''})"
        for identity, each in found.items()
        if each and each.state not in _HELD
    ]
    if resolved.entries < len(waiting):
        late.append(f"{len(waiting) - resolved.entries} that somebody else resolved just now")
    done: Done = {"resolved": resolved.invitations}
    if late:
        done["not_held"] = late
    if unknown:
        done["unknown"] = unknown
    return done
