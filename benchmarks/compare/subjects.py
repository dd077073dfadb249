"""What is compared: the usual handlers and ours, by batch size, provider and what becomes of an order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/bench"
SECRET = "a key of the customer keys, 32 bytes"  # noqa: S105 -- made up
TEN, LARGEST = 10, 1998
_CALLS_PER_MINUTE = 100_000

type Kind = Literal["usual", "usual follow-up", "ours", "our follow-up"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A configuration that is measured.

    Attributes:
        name: As the table has it.
        kind: Which handlers do the work.
        batch: How many orders are in one invocation.
        events: How many orders a round has, if it is as large as it is meant to be.
        latency: What the provider takes for each answer, in milliseconds.
        account: Of ours: who sends.
        campaign: Of ours: what else the campaign says.
        database: What DynamoDB takes for each answer, in milliseconds.
        peer: With which other one it is compared.
    """

    name: str
    kind: Kind
    batch: int
    events: int
    latency: int = 0
    account: str = "shop"
    campaign: dict[str, Any] = field(default_factory=dict)
    database: int = 0
    peer: str = "usual"

    @property
    def key(self) -> str:
        """Its name, as far as names of tables and parameters may have it."""
        return "".join(each if each.isalnum() else "-" for each in self.name.lower())

    @property
    def replays(self) -> bool:
        """Whether the account honours idempotency keys, as our own invitation service does."""
        return self.account == "shop"

    @property
    def has_tokens(self) -> bool:
        """Whether customers come with a panel's token."""
        return self.account == "panel"

    def sized(self, share: float) -> int:
        """Return how many orders a round has, in whole batches: a share of what is meant."""
        batches = max(1, round(self.events * share / self.batch))
        return batches * self.batch

    def parameters(self, provider: str) -> Iterator[tuple[str, str]]:
        """Return the name and the text of each of our parameters.

        Args:
            provider: Where the provider answers.
        """
        prefix = f"{PREFIX}/{self.key}"
        campaign = {"mode": "live", "shop": "demo", "event": "purchase", "survey": 1}
        text = json.dumps(campaign | {"account": self.account} | self.campaign)
        yield f"{prefix}/campaigns/after-purchase", text
        account: dict[str, Any] = {
            # An account of its own for each: none of them has the others' invitations to list.
            "base_url": f"{provider}/{self.key}",
            "calls_per_minute": _CALLS_PER_MINUTE,
            "provider": "nps",
        }
        secret = {"bearer": "made-up"}
        if self.has_tokens:
            account |= {"provider": "netquest", "id_account": "1", "quota_period": "day"}
            secret = {"webhook_key": "made-up", "webhook_auth": "made-up"}
        else:
            account["replays_idempotency_key"] = self.replays
        yield f"{prefix}/accounts/{self.account}", json.dumps(account)
        yield f"{prefix}/secrets/accounts/{self.account}", json.dumps(secret)
        yield f"{prefix}/secrets/customer-key", SECRET


_KEPT = {"keep_address": "always"}
_CAPPED = {"contact_cap": {"period": "P30D", "when_capped": "defer"}}
_PANEL: dict[str, Any] = {"account": "panel", "campaign": {"template": 1}}

REFERENCE, USUAL_LATER = "usual", "usual, follow-up"
USUAL_50, USUAL_200 = "usual, 50 ms", "usual, 200 ms"
KEPT = "bulk 1,000, addresses kept"
BULK, BULK_50, BULK_200 = "bulk 1,000", "bulk 1,000, 50 ms", "bulk 1,000, 200 ms"
CAPPED, LATER = "bulk 1,000, capped", "follow-up"
PANEL, PANEL_50 = "per recipient", "per recipient, 50 ms"
USUAL_REAL, BULK_REAL = "usual, 50 ms, database 5 ms", "bulk 1,000, 50 ms, database 5 ms"

SUBJECTS = (
    Subject(REFERENCE, "usual", TEN, 200),
    Subject(USUAL_50, "usual", TEN, 30, 50, peer=USUAL_50),
    Subject(USUAL_200, "usual", TEN, 10, 200, peer=USUAL_200),
    Subject(USUAL_LATER, "usual follow-up", TEN, 100, peer=USUAL_LATER),
    Subject(USUAL_REAL, "usual", TEN, 30, 50, database=5, peer=USUAL_REAL),
    Subject("bulk 10", "ours", TEN, 200),
    Subject("bulk 100", "ours", 100, 1000),
    Subject("bulk 500", "ours", 500, 2000),
    Subject(BULK, "ours", 1000, 2000),
    Subject(KEPT, "ours", 1000, 2000, campaign=_KEPT),
    Subject("bulk 1,998", "ours", LARGEST, LARGEST),
    Subject(BULK_50, "ours", 1000, 2000, 50, peer=USUAL_50),
    Subject(BULK_200, "ours", 1000, 2000, 200, peer=USUAL_200),
    Subject(BULK_REAL, "ours", 1000, 2000, 50, database=5, peer=USUAL_REAL),
    Subject(CAPPED, "ours", 1000, 2000, campaign=_CAPPED),
    Subject("bulk 1,000, looked up before", "ours", 1000, 1000, account="vendor"),
    Subject(LATER, "our follow-up", 1000, 10_000, campaign={"delay": "P30D"}, peer=USUAL_LATER),
    Subject(PANEL, "ours", 500, 500, **_PANEL),
    Subject(PANEL_50, "ours", 500, 500, 50, peer=USUAL_50, **_PANEL),
)
