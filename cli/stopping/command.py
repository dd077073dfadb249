"""`afterword cancel`, `suppress` and `erase`: what waits is ended, and nothing is asked any more."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from afterword.operating import stopping
from afterword.operating.stopping import Stopped
from afterword.remembering.ledger import Ledger
from afterword.remembering.records import Key, Occasion
from cli.errors import CommandError, readable_errors
from cli.naming import KINDS, Email, Shop, customer_of, from_stdin, keys_of, shop_of
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


class Kind(StrEnum):
    """What an id is of."""

    PURCHASE = "purchase"
    SIGNUP = "signup"


def cancel(  # noqa: PLR0913 - each is an option of the command.
    identity: Annotated[str, typer.Argument(metavar="ID", help="An order or an account.")],
    *,
    shop: Shop = None,
    kind: Annotated[
        Kind | None, typer.Option(help="Which it is, where the ledger knows both or neither.")
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(help="End this campaign's invitation only, and leave no mark.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """End what waits for an order or an account, and all that may still come for it."""
    with readable_errors():
        place = find(stage, stack, table, local=local)
        loaded = place.parameters().campaigns().loaded
        ledger = place.ledger()
        campaigns = ledger.campaigns() | {each.id for each in loaded}
        occasion = _occasion(ledger, shop_of(loaded, shop), identity, campaigns, kind)
        if campaign:
            confirm(f"End the invitation of {campaign}? Others go on.", yes=yes)
            stopped = _drop(ledger, Key(occasion, campaign), campaigns)
        else:
            confirm(f"Cancel {occasion.kind} {identity}, for every campaign and for good?", yes=yes)
            stopped = stopping.cancel(ledger, occasion, campaigns, now())
    _tell({}, stopped, as_json=as_json)


def _occasion(
    ledger: Ledger, shop: str, identity: str, campaigns: set[str], kind: Kind | None
) -> Occasion:
    if kind is None:
        found = ledger.read_invitations(keys_of(shop, identity, campaigns))
        marks = ledger.read_marks([Occasion(shop, each, identity) for each in KINDS])
        kinds = {each.occasion.kind for each in found} | {each.kind for each in marks}
        if len(kinds) != 1:
            known = "an order and an account" if kinds else "nothing"
            raise CommandError(
                f"The ledger knows {known} of this name in {shop}.",
                "Say which is meant by --kind; what is yet to come is then cancelled, too.",
            )
        kind = Kind(kinds.pop())
    return Occasion(shop, kind.value, identity)


def _drop(ledger: Ledger, key: Key, campaigns: set[str]) -> Stopped:
    if key.campaign not in campaigns:
        raise CommandError(
            f"There is no campaign {key.campaign}.",
            f"Known: {', '.join(sorted(campaigns)) or 'none'}.",
        )
    return stopping.drop(ledger, key)


def suppress(  # noqa: PLR0913 - each is an option of the command.
    email: Email,
    *,
    undo: Annotated[
        bool, typer.Option("--undo", help="Let the customer be asked again, after new events.")
    ] = False,
    shop: Shop = None,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Never ask a customer of a shop again, as after an unsubscription."""
    with readable_errors():
        place = find(stage, stack, table, local=local)
        shop = shop_of(place.parameters().campaigns().loaded, shop)
        customer = customer_of(place, shop, from_stdin(email))
        ledger = place.ledger()
        if undo:
            _undo(ledger, customer, shop, yes=yes)
            stopped = None
        else:
            confirm(f"Never ask this customer of {shop} again?", yes=yes)
            stopped = stopping.suppress(ledger, customer, now())
    told = {"customer": customer, "suppressed": not undo}
    if stopped:
        _tell(told, stopped, as_json=as_json)
    elif as_json:
        show_json(told)
    else:
        console().print(f"{customer} may be asked again. What had ended stays so.", soft_wrap=True)


def _undo(ledger: Ledger, customer: str, shop: str, *, yes: bool) -> None:
    confirm(f"Let this customer of {shop} be asked again?", yes=yes)
    if not ledger.readmit(customer, now()):
        known = ledger.read_customers([customer]).get(customer)
        erased = known is not None and known.erased_at is not None
        raise CommandError(
            "Nothing was changed: the customer was erased." if erased else "It was not suppressed.",
            "An erasure is for good." if erased else "See 'afterword explain'.",
        )


def erase(  # noqa: PLR0913 - each is an option of the command.
    email: Email,
    *,
    shop: Shop = None,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Remove a customer's personal data from the ledger for good, and tell what was removed."""
    with readable_errors():
        place = find(stage, stack, table, local=local)
        shop = shop_of(place.parameters().campaigns().loaded, shop)
        customer = customer_of(place, shop, from_stdin(email))
        confirm(f"Erase this customer of {shop}? It can't be undone.", yes=yes)
        erased = stopping.erase(place.ledger(), customer, now())
    told = {
        "customer": customer,
        "removed": list(erased.removed),
        "invitations_that_stay": erased.invitations,
    }
    _tell(told, erased.stopped, as_json=as_json)
    if not as_json:
        typer.echo(
            "What stays names nobody: the customer's key, when it was erased, and invitations by order."
            " Queues, dead letters and providers keep their own copies: docs/operating.md."
        )


def _tell(told: dict[str, Any], stopped: Stopped, *, as_json: bool) -> None:
    ended = [str(each) for each in stopped.ended]
    claimed = [str(each) for each in stopped.claimed]
    if as_json:
        show_json(told | {"ended": ended, "past_stopping": claimed})
        return
    screen = console()
    for name, value in told.items():
        shown = ", ".join(map(str, value)) or "nothing" if isinstance(value, list) else value
        screen.print(f"{name.replace('_', ' ')}: {shown}", markup=False, soft_wrap=True)
    screen.print(f"{len(ended):,} invitations that waited were ended.")
    for each in ended:
        screen.print(f"  {each}", markup=False, soft_wrap=True)
    if claimed:
        screen.print(f"Past stopping (sent, in a call, or held with one): {len(claimed):,}")
        for each in claimed:
            screen.print(f"  {each}: afterword explain '{each}'", markup=False, soft_wrap=True)
