"""A ledger in which very many invitations wait: its items, as DynamoDB has them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from afterword.remembering.dynamodb import items
from afterword.remembering.dynamodb.table import to_wire
from afterword.remembering.records import Customer, Invitation, Key, Occasion, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

type Item = dict[str, Any]

SHOP = "demo"
KIND = "signup"
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Waiting:
    """Invitations of one campaign that are due at the same time.

    Attributes:
        campaign: Its id.
        count: How many.
        due: When, Unix seconds.
        spread: Over how many seconds from then on.
        known: Whether their customers are there; nobody reads those of who is not due.
    """

    campaign: str
    count: int
    due: int
    spread: int = 1
    known: bool = True

    def items(self) -> Iterator[Item]:
        """Return the invitations, each with the customer whom it is for."""
        for number in range(self.count):
            occasion = Occasion(SHOP, KIND, f"{self.campaign}-{self.due}-{number}")
            key = Key(occasion, self.campaign)
            customer = f"v1:{number:064x}"
            due = self.due + number * self.spread // self.count
            yield _invitation(key, customer, due)
            if self.known:
                yield _customer(customer, number)


def campaigns_item(campaigns: Sequence[str]) -> Item:
    """Return the item that knows all campaigns."""
    pk, sk = items.CAMPAIGNS
    return to_wire({"pk": pk, "sk": sk, "names": set(campaigns)})


def shard_of(pk: str, campaign: str) -> int:
    """Return in which shard of its lane an invitation stands, from 0."""
    key = Key(Occasion.parse(pk.removeprefix("O#")), campaign)
    lane = items.lane(key, State.PENDING)
    return items.lanes(campaign).index(lane or "")


# Serialising a million items one by one would take longer than all the rest.
_INVITATION = to_wire(
    items.invitation_item(
        Invitation(
            Key(Occasion(SHOP, KIND, "x"), "x"),
            "x",
            0,
            0,
            event="00000000-0000-0000-0000-000000000000",
        )
    )
)
_CUSTOMER = to_wire(
    asdict(Customer("x", email="x", name="Jana Nováková", language="cs", seen_at=0))
)
del _CUSTOMER["key"]


def _invitation(key: Key, customer: str, due: int) -> Item:
    pk, sk = items.invitation_key(key)
    return _INVITATION | {
        "pk": {"S": pk},
        "sk": {"S": sk},
        "cust": {"S": customer},
        "occurred_at": {"N": str(due - _DAY)},
        "due": {"N": str(due)},
        "lane": {"S": items.lane(key, State.PENDING)},
        "ttl": {"N": str(due + 400 * _DAY)},
    }


def _customer(customer: str, number: int) -> Item:
    pk, sk = items.customer_item_key(customer)
    email = f"person-{number}@example.com"
    return _CUSTOMER | {"pk": {"S": pk}, "sk": {"S": sk}, "email": {"S": email}}
