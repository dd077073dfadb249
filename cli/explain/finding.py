"""What an id means: an invitation, an address, a customer's key, an order, an account, or an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterword.remembering.records import Key, customer_ref
from cli.naming import customer_of, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from afterword.remembering.ledger import Ledger
    from cli.places import Place

_KEY = "v1:"


@dataclass(frozen=True, slots=True)
class Found:
    """Which invitations there may be, which customers were asked for, and whether an event may be meant."""

    keys: tuple[Key, ...]
    customers: tuple[str, ...] = ()
    may_be_event: bool = False


def look_up(
    place: Place, ledger: Ledger, identity: str, shop: str, campaigns: Collection[str]
) -> Found:
    """Find what an operator means.

    Args:
        place: The installation.
        ledger: Its ledger.
        identity: What was typed in.
        shop: The shop.
        campaigns: The ids of those that load.

    Raises:
        CommandError: It looks like an address, and is none.
        LedgerError: The ledger did not answer.
    """
    if "@" in identity and "#" not in identity:
        return _of_customer(ledger, customer_of(place, shop, identity))
    if f"#{_KEY}" in identity or identity.startswith(_KEY):
        known = identity if "#" in identity else customer_ref(shop, identity)
        return _of_customer(ledger, known)
    if "#" in identity:
        try:
            return Found((Key.parse(identity),))
        except ValueError:
            pass  # A shop may well have a "#" in its ids.
    keys = keys_of(shop, identity, ledger.campaigns() | set(campaigns))
    return Found(tuple(keys), may_be_event=True)


def of_event(ledger: Ledger, shop: str, event: str, progressed: Callable[[int], None]) -> list[Key]:
    """Look through the whole ledger for a shop event's invitations. Raises LedgerError.

    Args:
        ledger: The ledger.
        shop: The shop.
        event: The event's id.
        progressed: Is told how many pages have been looked at.
    """
    keys: list[Key] = []
    for number, page in enumerate(ledger.asked_by(shop, event), 1):
        keys += page
        progressed(number)
    return keys


def _of_customer(ledger: Ledger, customer: str) -> Found:
    return Found(tuple(ledger.invitations_of(customer)), (customer,))
