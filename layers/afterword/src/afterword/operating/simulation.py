"""What would become of events: the real translate and sweep, on a ledger in memory, and a provider who takes all.

Nothing leaves this process. The clock jumps from event to event, and from due time to due time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from afterword.deciding.campaigns import Mode, capped_shops
from afterword.deciding.customer_key import customer_key
from afterword.operating.reasons import in_words
from afterword.reading.shop_events import Purchase, Signup
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import Key, Occasion, State
from afterword.sending.mending import Mender
from afterword.sending.provider import Each, Sent
from afterword.sending.sender import Sender
from afterword.sweep import Sweep
from afterword.translate import Translator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.reading.shop_events import ShopEvent
    from afterword.sending.provider import Outcome, Recipient, Seen, Terms

# Of a ledger that is gone when the command is over.
_SECRET = b"the customers of one simulation only"
_MINUTE = 60
_INVOCATION = 290
UNWANTED = "no campaign wants it"
SAME = "the same occasion was there before"


@dataclass
class _Everybody:
    """A provider who takes everybody at once."""

    one_by_one: bool = False
    most_recipients: int = 10_000
    call_seconds: int = 1
    calls_per_minute: int = 10_000_000
    replays_key: bool = True

    def fault(self, terms: Terms) -> None:
        del terms

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        del terms
        return str(len(recipients)).encode()

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        del survey, key
        return Each((Sent(None),) * int(body)) if self.one_by_one else Sent(None)

    # Only of a call in doubt, or one with an id, would anybody ask.
    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        raise NotImplementedError

    def show(self, survey: int, invitation: int) -> Seen:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of one event and one campaign.

    Attributes:
        event: The event's number, from 0.
        key: The invitation; None: no campaign wants the event.
        asked: Whether the customer would be asked; None: it would still wait when the simulation ends.
        at: When (Unix seconds), if the customer would be asked.
        why: Why not.
    """

    event: int
    key: Key | None
    asked: bool | None
    at: int | None = None
    why: str = ""


@dataclass
class Simulation:
    """A run over events.

    Args:
        campaigns: All that load.
        as_live: Whether each campaign is taken for a live one.
    """

    campaigns: Sequence[Campaign]
    as_live: bool = False
    _ledger: MemoryLedger = field(default_factory=MemoryLedger, init=False)
    _now: int = field(default=0, init=False)
    _swept_at: int = field(default=0, init=False)
    _ids: count[int] = field(default_factory=count, init=False)
    # When which invitation is due; what has been moved since is passed over.
    _due: list[tuple[int, str, Key]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Take campaigns for live ones, if asked to."""
        if self.as_live:
            live = {"mode": Mode.LIVE}
            self.campaigns = [each.model_copy(update=live) for each in self.campaigns]
        # Only Netquest's campaigns name a template: it is asked one by one, and knows people by tokens.
        alone = {each.account for each in self.campaigns if each.template is not None}
        self._providers = {
            each.account: _Everybody(one_by_one=each.account in alone) for each in self.campaigns
        }

    def run(self, events: Sequence[ShopEvent]) -> list[Fate]:
        """Return what would become of events, in their order here; each arrives when it happens."""
        asking: dict[Key, int] = {}
        wanted: set[int] = set()
        first: set[int] = set()
        for number, event in sorted(enumerate(events), key=lambda each: each[1].occurred):
            self._sweep_until(event.occurred)
            self._now = max(self._now, event.occurred)
            self._translator().translate([event], self._now)
            for key in self._keys(event):
                if self._note(key):
                    wanted.add(number)
                    if asking.setdefault(key, number) == number:
                        first.add(number)
        self._sweep_until(None)
        fates = [self._fate(number, key) for key, number in asking.items()]
        for number, event in enumerate(events):
            if isinstance(event, Purchase | Signup) and number not in wanted:
                fates.append(Fate(number, None, asked=False, why=UNWANTED))
            elif number in wanted - first:
                fates.append(Fate(number, None, asked=False, why=SAME))
        return sorted(fates, key=lambda each: (each.event, str(each.key)))

    def _keys(self, event: ShopEvent) -> list[Key]:
        if not isinstance(event, Purchase | Signup):
            return []
        known = event.occasion or customer_key(event.customer.email, _SECRET)
        occasion = Occasion(event.shop, event.type, known)
        return [Key(occasion, each.id) for each in self.campaigns]

    def _note(self, key: Key) -> bool:
        found = self._ledger.read_invitations([key]).get(key)
        if found and found.state is State.PENDING:
            heappush(self._due, (found.due, str(key), key))
        return found is not None

    def _sweep_until(self, when: int | None) -> None:
        """Let the schedule run each minute in which something is due, up to then; None: to the end."""
        while self._due and (when is None or self._due[0][0] <= when):
            self._now = self._swept_at = max(self._now, self._swept_at + _MINUTE, self._due[0][0])
            keys = set()
            while self._due and self._due[0][0] <= self._now:
                keys.add(heappop(self._due)[2])
            found = self._ledger.read_invitations(keys).values()
            if any(each.state is State.PENDING for each in found):
                self._sweep()
                for key in keys:
                    self._note(key)

    def _sweep(self) -> None:
        deadline = self._now + _INVOCATION
        by_id = {each.id: each for each in self.campaigns}
        mender = Mender(self._ledger, self._providers.__getitem__, by_id, self._clock, deadline)
        sweep = Sweep(self._ledger, self._sender(), mender, self._clock, deadline, list)
        sweep.run(self.campaigns, self._now)

    def _translator(self) -> Translator:
        return Translator(self._ledger, self._sender(), self.campaigns, _SECRET)

    def _sender(self) -> Sender:
        deadline = self._now + _INVOCATION
        return Sender(
            self._ledger,
            self._providers.__getitem__,
            self._clock,
            lambda: f"batch {next(self._ids)}",
            deadline,
            capped=capped_shops(self.campaigns),
        )

    def _clock(self) -> int:
        return self._now

    def _fate(self, number: int, key: Key) -> Fate:
        found = self._ledger.read_invitations([key])[key]
        batch = self._ledger.read_batch(found.batch) if found.batch else None
        if found.state is State.CLAIMED and batch:
            return Fate(number, key, asked=True, at=batch.called_at)
        waits = found.state is not State.ENDED
        return Fate(number, key, asked=None if waits else False, why=in_words(found.reason))
