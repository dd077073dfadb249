"""What an operator names: a shop, a customer by the address, an order or an account. No address is ever printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from afterword.deciding.customer_key import customer_key
from afterword.reading.fields import address
from afterword.remembering.records import Key, Occasion, customer_ref
from cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from afterword.deciding.campaigns import Campaign
    from cli.places import Place

Shop = Annotated[
    str | None, typer.Option(help="The shop; may be left out where the campaigns know only one.")
]
Email = Annotated[
    str,
    typer.Argument(
        metavar="EMAIL", help="The address; '-' reads it from stdin.", show_default=False
    ),
]
KINDS = ("purchase", "signup")
STDIN = "-"


def shop_of(campaigns: Sequence[Campaign], shop: str | None) -> str:
    """Return the shop that is meant.

    Raises:
        CommandError: It was not named, and campaigns know several or none.
    """
    known = sorted({each.shop for each in campaigns})
    if shop:
        return shop
    if len(known) != 1:
        raise CommandError("Name the shop by --shop.", f"Known: {', '.join(known) or 'none'}.")
    return known[0]


def from_stdin(text: str) -> str:
    """Return what was typed, or with `-` what stdin holds: that stays out of a shell's history."""
    return sys.stdin.readline().strip() if text == STDIN else text


def customer_of(place: Place, shop: str, email: str) -> str:
    """Return how the ledger names a customer.

    Raises:
        CommandError: It is no address; the text does not repeat it.
        ParametersError: The key of the customer keys can't be read.
    """
    try:
        return customer_ref(shop, customer_key(address(email), place.customer_secret()))
    except ValueError:
        raise CommandError("That is no e-mail address.", "Nothing was done.") from None


def keys_of(shop: str, identity: str, campaigns: Collection[str]) -> list[Key]:
    """Return which invitations an order or an account may have."""
    occasions = [Occasion(shop, kind, identity) for kind in KINDS]
    return [Key(each, campaign) for each in occasions for campaign in sorted(campaigns)]
