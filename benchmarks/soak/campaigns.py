"""What the soak runs with: campaigns, accounts, secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/afterword/soak"
SECRET = "a key of the customer keys, 32 bytes"  # noqa: S105 -- made up
REPLAYS = ("shop",)
_CALLS_PER_MINUTE = 100_000


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign, and whom it wants.

    Attributes:
        id: Its id.
        shop: Its shop.
        event: Its kind of event.
        account: Who sends.
        survey: Which survey.
        amounts: The amounts that it wants, from the first to the last.
        more: What else stands in it.
        slow: Whether its delay is long enough for every stop to have arrived before.
    """

    id: str
    shop: str
    event: str
    account: str
    survey: int
    amounts: tuple[int, int] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    def text(self) -> str:
        """Return it as its parameter has it."""
        least, most = self.amounts or (None, None)
        conditions = [
            {"field": "amount", "at_least": str(least)},
            {"field": "amount", "at_most": str(most)},
        ]
        known = {"mode": "live", "shop": self.shop, "event": self.event}
        sender = {"account": self.account, "survey": self.survey}
        return json.dumps(
            known | sender | self.more | ({"conditions": conditions} if self.amounts else {})
        )


_WEEKLY = {"period": "P7D", "when_capped": "drop"}
_FORTNIGHTLY = {"period": "P14D", "when_capped": "defer"}
CAMPAIGNS = (
    Campaign("north-purchase", "north", "purchase", "shop", 1, (0, 99)),
    Campaign("north-large", "north", "purchase", "shop", 2, (100, 199), {"delay": "PT2H"}),
    Campaign(
        "north-dry", "north", "purchase", "shop", 3, (180, 199), {"delay": "P1D", "mode": "dry_run"}
    ),
    Campaign(
        "north-signup",
        "north",
        "signup",
        "shop",
        4,
        more={"delay": "P30D", "contact_cap": _FORTNIGHTLY, "expires_after": "P30D"},
        slow=True,
    ),
    Campaign(
        "south-purchase",
        "south",
        "purchase",
        "vendor",
        1,
        more={"contact_cap": _WEEKLY, "keep_address": "always"},
    ),
    Campaign("south-signup", "south", "signup", "vendor", 2, more={"delay": "P14D"}, slow=True),
    Campaign("panel", "panel", "purchase", "panel", 419, more={"template": 1, "delay": "PT1H"}),
)
# After the last event: the longest delay, the longest expiry, and the cap's last deferral.
LONGEST_DAYS = 30 + 30 + 14


def parameters(provider: str) -> Iterator[tuple[str, str]]:
    """Return every parameter's name and text.

    Args:
        provider: Where the provider answers.
    """
    for each in CAMPAIGNS:
        yield f"{PREFIX}/campaigns/{each.id}", each.text()
    for name in ("shop", "vendor", "panel"):
        account: dict[str, Any] = {
            "base_url": f"{provider}/{name}",
            "calls_per_minute": _CALLS_PER_MINUTE,
            "provider": "nps",
        }
        secret = {"bearer": "made-up"}
        if name == "panel":
            account |= {"provider": "netquest", "id_account": "1", "quota_period": "day"}
            secret = {"webhook_key": "made-up", "webhook_auth": "made-up"}
        else:
            account["replays_idempotency_key"] = name in REPLAYS
        yield f"{PREFIX}/accounts/{name}", json.dumps(account)
        yield f"{PREFIX}/secrets/accounts/{name}", json.dumps(secret)
    yield f"{PREFIX}/secrets/customer-key", SECRET
