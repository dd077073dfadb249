"""`afterword explain`: what became of an order's or a customer's invitations, why, and what comes next."""

from typing import Annotated, Any

import typer

from afterword.operating.stories import Told, tell
from cli.errors import CommandError, readable_errors
from cli.explain.finding import look_up, of_event
from cli.explain.rows import customer_row, mark_row, story_row
from cli.naming import Shop, from_stdin, shop_of
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Table,
    console,
    find,
    now,
    show_json,
)
from cli.progress import counting
from cli.tables import grid


def explain(  # noqa: PLR0913 - each is an option of the command.
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An order, an account, an e-mail address ('-' reads it from stdin), an event's id, "
            "or an invitation as other commands show it.",
        ),
    ],
    *,
    shop: Shop = None,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Tell the whole story of an order's or a customer's invitations, and what comes next."""
    with readable_errors():
        identity = from_stdin(identity)
        place = find(stage, stack, table, local=local)
        campaigns = {each.id: each for each in place.parameters().campaigns().loaded}
        ledger = place.ledger()
        named = shop_of(list(campaigns.values()), shop)
        found = look_up(place, ledger, identity, named, campaigns)
        told = tell(ledger, found.keys, found.customers, campaigns, now())
        if not told and found.may_be_event:
            with counting("pages of the ledger") as show:
                keys = of_event(ledger, named, identity, show)
            told = tell(ledger, keys, (), campaigns, now())
        if not told:
            raise CommandError(
                "The ledger knows nothing of it.",
                "No campaign wanted it, or its event waits in the queue or is a dead letter:"
                " see 'afterword status' and 'afterword dead-letters list'.",
            )
    document = _document(told)
    if as_json:
        show_json(document)
        return
    _show(document)


def _document(told: Told) -> dict[str, Any]:
    return {
        "customers": [customer_row(each) for each in told.customers.values()],
        "stop_marks": [mark_row(occasion, mark) for occasion, mark in told.marks.items()],
        "invitations": [story_row(each) for each in told.stories],
    }


def _show(document: dict[str, Any]) -> None:
    screen = console()
    for each in document["invitations"]:
        screen.print(
            f"{each['kind']} {each['occasion']}, campaign {each['campaign']}: {each['state']}",
            markup=False,
            style="bold",
            soft_wrap=True,
        )
        screen.print(grid(each["lines"], "at", "what"))
        screen.print(f"Next: {each['next']}\n", markup=False, soft_wrap=True)
    alone = [each for each in document["stop_marks"] if not document["invitations"]]
    if alone:
        screen.print(grid(alone, "kind", "occasion", "why", "at", "amount", title="Stop marks"))
    if document["customers"]:
        columns = ("customer", "holds", "last_asked_at", "last_asked_by", "suppressed", "erased_at")
        screen.print(grid(document["customers"], *columns, title="Customers"))
