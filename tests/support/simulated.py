"""Afterword on a simulated platform: ledger, providers, queue and schedule take their time, and may be down."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from afterword.arrivals import Arrivals, Message
from afterword.deciding.account_errors import AccountError
from afterword.deciding.campaigns import capped_shops
from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError
from afterword.remembering.memory import MemoryLedger
from afterword.sending.mending import Mender
from afterword.sending.passage import Pace
from afterword.sending.provider import Each, LookUpError, Retry, Seen, Sent, Uncertain
from afterword.sending.sender import Sender
from afterword.sweep import Sweep
from afterword.translate import Translator
from tests.support.samples import NOW
from tests.support.virtual import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.reading.envelopes import Envelope
    from afterword.remembering.dead_letters import DeadLetter
    from afterword.sending.provider import Outcome, Provider, Recipient, Terms

SECRET = b"a key of the customer keys, 32 bytes"
# As the template has them; a test of its own holds them to it.
VISIBILITY = 390
MOST_RECEIVES = 240
BATCH = 1000
WINDOW = 5
INSTANCES = 5
TRANSLATE_SECONDS = 60
SWEEP_SECONDS = 290
MINUTE = 60
# What a round trip and a row of a bulk write take.
CALL_COST = 0.01
ROW_COST = 0.0002


class SlowLedger:
    """The twin in memory, with DynamoDB's round trips; may be down."""

    def __init__(self, world: World, row_cost: float = ROW_COST) -> None:
        self.memory = MemoryLedger()
        self.world = world
        self.row_cost = row_cost
        self.is_down: Callable[[], bool] = lambda: False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.memory, name)

        def operate(*arguments: Any) -> Any:
            rows = max((len(each) for each in arguments if hasattr(each, "__len__")), default=1)
            self.world.spend(CALL_COST + rows * self.row_cost)
            if self.is_down():
                self.world.spend(2)
                raise LedgerError("the ledger failed: InternalServerError")
            return operation(*arguments)

        return operate


@dataclass
class Accepted:
    id: int
    survey: int
    emails: list[str]
    key: str
    created_at: int


@dataclass
class SimulatedProvider:
    """An account whose calls take their time. `requests`: when each one came in."""

    world: World
    calls_per_minute: int = 200
    one_by_one: bool = False
    replays_key: bool = False
    most_recipients: int = 10_000
    call_seconds: int = 20
    takes: float = 1.0
    look_takes: float = 0.3
    at_once: int = 8
    is_down: Callable[[], str | None] = lambda: None
    requests: list[float] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    uncertain: int = 0
    ids: count[int] = field(default_factory=lambda: count(1))

    def fault(self, terms: Terms) -> str | None:
        del terms
        return None

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        del terms
        return json.dumps([each.email for each in recipients]).encode()

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        emails = json.loads(body)
        if self.one_by_one:
            return Each(tuple(self._one_by_one(survey, emails, key)))
        if fault := self._request(self.takes):
            return fault
        return self._accept(survey, emails, key)

    def _one_by_one(
        self, survey: int, emails: list[str], key: str
    ) -> list[Sent | Retry | Uncertain]:
        found: list[Sent | Retry | Uncertain] = []
        for begin in range(0, len(emails), self.at_once):
            group = emails[begin : begin + self.at_once]
            self.requests += [self.world.now] * (len(group) - 1)
            fault = self._request(self.takes)
            found += [fault or self._accept(survey, [email], key) for email in group]
        return [Sent(None) if isinstance(each, Sent) else each for each in found]

    def _request(self, takes: float) -> Retry | Uncertain | None:
        self.requests.append(self.world.now)
        match self.is_down():
            case None:
                self.world.spend(takes)
                return None
            case "refuses":
                self.world.spend(0.01)
                return Retry("unreachable", outage=True)
            case _:
                self.world.spend(self.call_seconds)
                self.uncertain += 1
                return Uncertain("no answer: time-out")

    def _accept(self, survey: int, emails: list[str], key: str) -> Sent:
        for known in self.accepted:
            if self.replays_key and known.key == key:
                return Sent(known.id)
        self.accepted.append(Accepted(next(self.ids), survey, emails, key, self.world()))
        return Sent(self.accepted[-1].id)

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        self._look()
        return [
            Seen(each.id, each.created_at, "completed", len(each.emails))
            for each in self.accepted
            if each.survey == survey and each.id > after_id
        ]

    def show(self, survey: int, invitation: int) -> Seen:
        del survey
        self._look()
        (found,) = [each for each in self.accepted if each.id == invitation]
        return Seen(found.id, found.created_at, "completed", len(found.emails))

    def _look(self) -> None:
        fault = self._request(self.look_takes)
        if fault:
            raise LookUpError(Retry(fault.reason, outage=True))

    @property
    def invited(self) -> Counter[str]:
        return Counter(email for each in self.accepted for email in each.emails)


@dataclass
class Queued:
    id: str
    body: str
    visible_at: float
    receives: int = 0


class Queue:
    """SQS, as far as an event source mapping sees it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.messages: dict[str, Queued] = {}
        self.dead: list[Queued] = []
        self.numbers = count()

    def send(self, body: str) -> None:
        name = f"m-{next(self.numbers)}"
        self.messages[name] = Queued(name, body, self.world.now)

    def receive(self) -> list[Queued]:
        found = [each for each in self.messages.values() if each.visible_at <= self.world.now]
        taken = []
        for each in found[:BATCH]:
            if each.receives >= MOST_RECEIVES:
                self.dead.append(self.messages.pop(each.id))
                continue
            each.receives += 1
            each.visible_at = self.world.now + VISIBILITY
            taken.append(each)
        return taken

    def delete(self, messages: Sequence[Queued], failed: Sequence[str]) -> None:
        for each in messages:
            if each.id not in failed:
                self.messages.pop(each.id, None)


class Platform:
    """Queue, schedule and both functions, wired as their handlers wire them."""

    def __init__(self, campaigns: Sequence[Campaign], seed: int = 1) -> None:
        self.world = World(NOW)
        self.ledger = SlowLedger(self.world)
        self.providers: dict[str, SimulatedProvider] = {}
        self.campaigns = list(campaigns)
        self.queue = Queue(self.world)
        self.letters: list[DeadLetter] = []
        self.counts: Counter[str] = Counter()
        self.ids = count()
        self.random = random.Random(seed)  # noqa: S311 -- a simulation
        self.parameters_down: Callable[[], bool] = lambda: False
        self.schedule_down: Callable[[], bool] = lambda: False
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()

    def provider_of(self, name: str) -> Provider:
        if self.parameters_down():
            raise ParametersError(f"accounts/{name}: InternalServerError")
        if name not in self.providers:
            raise AccountError(name, ("there is no such parameter",))
        return self.providers[name]

    def sender(self, deadline: int, pace: Pace) -> Sender:
        return Sender(
            self.ledger,
            self.provider_of,
            self.world,
            lambda: f"B{next(self.ids):06}",
            deadline,
            pace,
            capped=capped_shops(self.campaigns),
        )

    def load(self) -> list[Campaign]:
        if self.parameters_down():
            self.world.spend(2)
            raise ParametersError("campaigns: InternalServerError")
        return self.campaigns

    # The functions.

    def translate(self, messages: list[Queued]) -> None:
        deadline = self.world() + TRANSLATE_SECONDS

        def translate(events: Any, now: int) -> Counter[str]:
            translator = Translator(
                self.ledger,
                self.sender(deadline, Pace(self.world.fine)),
                self.load(),
                SECRET,
            )
            return translator.translate(events, now)

        arrivals = Arrivals(self.mapper, translate, self, logging.getLogger("simulated"))  # type: ignore[arg-type]  # a plain logger does
        records = [Message(each.id, each.body, "queue", "0") for each in messages]
        failed, counts = arrivals.take_in(records, self.world())
        self.counts += counts
        self.queue.delete(messages, failed)

    def mapper(self) -> Callable[[Envelope], None]:
        self.load()
        return lambda _: None

    def put(self, letters: Sequence[DeadLetter]) -> set[str]:
        self.letters += letters
        return set()

    def sweep(self) -> None:
        deadline = self.world() + SWEEP_SECONDS
        try:
            campaigns = self.load()
        except ParametersError:
            return
        by_id = {each.id: each for each in campaigns}
        pace = Pace(self.world.fine, self.world.wait_until)
        mender = Mender(self.ledger, self.provider_of, by_id, self.world, deadline, pace)
        sweep = Sweep(
            self.ledger,
            self.sender(deadline, pace),
            mender,
            self.world,
            deadline,
            lambda all_: self.random.sample(all_, len(all_)),
        )
        self.counts += sweep.run(campaigns, self.world())

    # What starts them.

    def go(self, until: float) -> None:
        """Let queue and schedule go on until then."""
        self.world.at(self.world.now, lambda: self._schedule(until))
        self.world.at(self.world.now, lambda: self._poll(until))
        self.world.run(until + 2 * SWEEP_SECONDS)

    def _schedule(self, until: float) -> None:
        while self.world.now < until:
            if not self.schedule_down():
                # A schedule is precise to the minute, not to the second.
                late = self.random.uniform(0, 5)
                self.start("sweep", self.world.now + late, self.sweep, SWEEP_SECONDS)
            self.world.spend(MINUTE)

    def _poll(self, until: float) -> None:
        while self.world.now < until:
            while self.running["translate"] < INSTANCES and (batch := self.queue.receive()):
                self.start(
                    "translate",
                    self.world.now,
                    lambda batch=batch: self.translate(batch),  # type: ignore[misc]  # bound here
                    TRANSLATE_SECONDS,
                )
            self.world.spend(WINDOW)

    def start(self, name: str, when: float, do: Callable[[], None], seconds: int) -> None:
        def run() -> None:
            self.running[name] += 1
            self.most_running[name] = max(self.most_running[name], self.running[name])
            try:
                do()
            finally:
                self.running[name] -= 1

        self.world.at(when, run, seconds)

    # What shops do.

    def purchase(self, order: str, shop: str = "demo") -> None:
        self.event("purchase", shop=shop, order_id=order)

    def event(self, kind: str, shop: str = "demo", **more: Any) -> None:
        order = more.get("order_id", "someone")
        if kind in {"purchase", "signup"}:
            email = f"{order.lower()}@example.com"
            more |= {"customer": {"email": email, "token": f"t-{order}"}}
        body = {
            "type": kind,
            "version": 1,
            "id": f"E-{order}",
            "shop": shop,
            "occurred_at": datetime.fromtimestamp(self.world(), UTC).isoformat(),
        }
        self.queue.send(json.dumps(body | more))


def busiest(times: Sequence[float], seconds: float = MINUTE) -> int:
    """Return the most requests in any such window, wherever it begins."""
    most = 0
    window: deque[float] = deque()
    for time in sorted(times):
        window.append(time)
        while window[0] <= time - seconds:
            window.popleft()
        most = max(most, len(window))
    return most
