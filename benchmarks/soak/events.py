"""The events of a soak: each made from the seed and its number alone, with what it must leave behind.

So nobody needs to keep a million of them to know what should have become of each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks.soak.campaigns import CAMPAIGNS, Campaign

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_800_000_000
MINUTE = 60
# What a message is, and how often.
_ROLES = {
    "poison": 0.02,
    "again": 0.03,
    "refund": 0.035,
    "partial refund": 0.005,
    "cancellation": 0.01,
    "unsubscribe": 0.003,
    "erasure": 0.002,
}
STOPS = {"refund", "partial refund", "cancellation"}
LEAVES = {"unsubscribe", "erasure"}
# How far off the event is that another one repeats, stops, or follows.
_REACH = 3000
_AHEAD = 50
_SHOPS = {"north": 0.5, "south": 0.37, "panel": 0.06, "west": 0.07}
_POISONS = ("not_json", "no_known_event", "unknown_version", "invalid_event", "in_the_future")
_FAR = 86_400


@dataclass(frozen=True, slots=True)
class Fact:
    """What a message tells.

    Attributes:
        role: `ask`, or one of the others.
        shop: Whose.
        kind: `purchase` or `signup`; of a stop, what it stops.
        person: By number, in that shop.
        amount: Of a purchase.
        about: The number of the event that it repeats or stops; else its own.
        poison: Why nobody can read it.
    """

    role: str
    shop: str
    kind: str
    person: int
    amount: int
    about: int
    poison: str | None = None

    @property
    def email(self) -> str:
        """The person's address."""
        return f"p{self.person}@{self.shop}.example.com"

    @property
    def token(self) -> str | None:
        """Who the person is at the panel."""
        if self.shop != "panel" or self.person % 50 == 3:  # noqa: PLR2004 -- the panel does not know some
            return None
        known = {7: "left-", 13: "unknown-"}.get(self.person % 200, "t-")
        return f"{known}{self.person}"

    @property
    def occasion(self) -> str:
        """The partition of the ledger that it concerns."""
        return f"O#{self.shop}#{self.kind}#{self.about}"

    def campaigns(self) -> Sequence[Campaign]:
        """Return who wants it."""
        return [
            each
            for each in CAMPAIGNS
            if (each.shop, each.event) == (self.shop, self.kind)
            and (each.amounts is None or each.amounts[0] <= self.amount <= each.amounts[1])
        ]


class Events:
    """All events.

    Args:
        seed: The same seed gives the same events.
        count: How many there are.
        per_minute: How many come in a minute.
    """

    def __init__(self, seed: int, count: int, per_minute: int) -> None:
        self.count = count
        self._seed = seed
        self._per_minute = per_minute
        self.fact = lru_cache(maxsize=_REACH)(self._fact)
        self._drawn = lru_cache(maxsize=_REACH * 4)(self._draw)

    def occurred(self, number: int) -> int:
        """Return when it happened, in Unix seconds."""
        return START + number // self._per_minute * MINUTE

    def body(self, number: int) -> str:
        """Return the message's body."""
        fact = self.fact(number)
        if fact.role == "again":
            return self.body(fact.about)
        if fact.poison:
            return self._poison(number, fact)
        return json.dumps(self._event(number, fact))

    def _event(self, number: int, fact: Fact) -> dict[str, Any]:
        occurred = datetime.fromtimestamp(self.occurred(number), UTC).isoformat()
        event: dict[str, Any] = {"version": 1, "id": f"E-{number}", "shop": fact.shop}
        event["occurred_at"] = occurred
        about = "order_id" if fact.kind == "purchase" else "account_id"
        if fact.role in LEAVES:
            return event | {"type": fact.role, "email": fact.email}
        if fact.role == "cancellation":
            return event | {"type": "cancellation", about: str(fact.about)}
        if fact.role in STOPS:
            partial = {"partial": True} if fact.role == "partial refund" else {}
            return event | {"type": "refund", "order_id": str(fact.about)} | partial
        person = {"email": fact.email, "name": f"Person {fact.person}", "language": "en-GB"}
        if fact.token:
            person["token"] = fact.token
        event |= {"type": fact.kind, about: str(number), "customer": person}
        return event | (
            {"amount": f"{fact.amount}.00", "currency": "EUR"} if fact.kind == "purchase" else {}
        )

    def _poison(self, number: int, fact: Fact) -> str:
        event = self._event(number, fact)
        match fact.poison:
            case "not_json":
                return f"{{no JSON {number}"
            case "no_known_event":
                event["type"] = "newsletter_opened"
            case "unknown_version":
                event["version"] = 2
            case "invalid_event":
                del event["customer"]
            case _:
                later = self.occurred(number) + _FAR
                event["occurred_at"] = datetime.fromtimestamp(later, UTC).isoformat()
        return json.dumps(event)

    def _fact(self, number: int) -> Fact:
        fact, offset = self._drawn(number)
        if fact.role in {"ask", "poison"}:
            return fact
        # Only what asks can be repeated or stopped; who finds nothing of the kind asks.
        start = number + offset
        start = min(start if start >= 0 else start % max(number, 1), self.count - 1)
        for other in chain(range(start, -1, -1), range(start + 1, number)):
            about, _ = self._drawn(other)
            if other != number and about.role == "ask" and _fits(fact.role, about):
                return Fact(fact.role, about.shop, about.kind, about.person, about.amount, other)
        return Fact("ask", fact.shop, fact.kind, fact.person, fact.amount, number)

    def _draw(self, number: int) -> tuple[Fact, int]:
        random = Random(f"{self._seed}/{number}")  # noqa: S311 -- chance, no secret
        chance, role = random.random(), "ask"
        for name, share in _ROLES.items():
            chance -= share
            if chance < 0:
                role = name
                break
        (shop,) = random.choices(list(_SHOPS), list(_SHOPS.values()))
        kind = "purchase" if shop == "panel" or random.random() < 0.6 else "signup"  # noqa: PLR2004 -- 3 of 5
        poison = random.choice(_POISONS) if role == "poison" else None
        person, amount = random.randrange(self.count), random.randrange(200)
        # A refund may come before its purchase.
        offset = random.randrange(-_REACH, 0 if role == "again" else _AHEAD)
        return Fact(role, shop, kind, person, amount, number, poison), offset


def _fits(role: str, about: Fact) -> bool:
    return role not in {"refund", "partial refund"} or about.kind == "purchase"
