"""A whole pipeline on fakes: events go in, invitations come out, the clock is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from afterword.deciding.campaigns import capped_shops
from afterword.reading.shop_events import read_shop_event
from afterword.remembering.memory import MemoryLedger
from afterword.sending.mending import Mender
from afterword.sending.sender import Sender
from afterword.sweep import Sweep
from afterword.translate import Translator
from tests.support.fakes import Clock, FakeProvider
from tests.support.samples import campaign

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from afterword.deciding.campaigns import Campaign
    from afterword.reading.shop_events import ShopEvent
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Invitation

SECRET = b"a key of the customer keys, 32 bytes"
INVOCATION = 120


@dataclass
class Shop:
    """Drives translate and sweep as their handlers do."""

    campaigns: list[Campaign] = field(default_factory=lambda: [campaign()])
    clock: Clock = field(default_factory=Clock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    ids: count[int] = field(default_factory=count)
    provider: FakeProvider = field(init=False)
    # By account, where they are not all one.
    providers: Mapping[str, FakeProvider] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider = FakeProvider(self.clock)

    def provider_of(self, account: str) -> FakeProvider:
        return self.providers.get(account, self.provider)

    def sender(self) -> Sender:
        return Sender(
            self.ledger,
            self.provider_of,
            self.clock,
            lambda: f"B{next(self.ids)}",
            self.clock() + INVOCATION,
            capped=capped_shops(self.campaigns),
        )

    def translate(self, *events: dict[str, Any]) -> Counter[str]:
        read: list[ShopEvent] = [read_shop_event(event) for event in events]
        translator = Translator(self.ledger, self.sender(), self.campaigns, SECRET)
        return translator.translate(read, self.clock())

    def sweep(self, now: int | None = None) -> Counter[str]:
        deadline = self.clock() + INVOCATION
        by_id = {each.id: each for each in self.campaigns}
        mender = Mender(self.ledger, self.provider_of, by_id, self.clock, deadline)
        sweep = Sweep(self.ledger, self.sender(), mender, self.clock, deadline, lambda all_: all_)
        return sweep.run(self.campaigns, self.clock() if now is None else now)

    def invitations(self, *keys: Any) -> list[Invitation]:
        found = self.ledger.read_invitations(keys)
        return [found[key] for key in keys]

    def purchase(self, order: str = "A-1", email: str | None = None, **more: Any) -> dict[str, Any]:
        person = {"email": email or f"{order.lower()}@example.com", "name": "Jana"}
        return self.event("purchase", order_id=order, customer=person, **more)

    def signup(self, account: str = "S-1", email: str | None = None, **more: Any) -> dict[str, Any]:
        person = {"email": email or f"{account.lower()}@example.com"}
        return self.event("signup", account_id=account, customer=person, **more)

    def event(self, kind: str, *, ago: int = 0, **more: Any) -> dict[str, Any]:
        occurred = datetime.fromtimestamp(self.clock() - ago, UTC).isoformat()
        return {
            "type": kind,
            "version": 1,
            "id": "E-1",
            "shop": "demo",
            "occurred_at": occurred,
        } | more
