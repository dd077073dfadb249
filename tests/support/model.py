"""The whole pipeline as a state machine: events, faults, time, people and sweeps in any order.

Each ledger operation may be the last one of its invocation, done in whole, in part or not at all; or another
invocation may run in full before it.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from afterword.deciding.campaigns import capped_shops
from afterword.deciding.customer_key import customer_key
from afterword.operating.held import Resolution, find, members, resolve_all
from afterword.remembering.dynamodb import DynamoDbLedger, items
from afterword.remembering.dynamodb.table import from_wire
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import BatchState, Key, Occasion, State, customer_ref
from afterword.sending.provider import Each, Puzzling, Refused, Retry, Sent, Uncertain
from tests.support.fakes import Clock, FakeProvider
from tests.support.samples import DAY, HOUR, campaign
from tests.support.shop import SECRET, Shop
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.remembering.records import Batch, Claim, Claimed, Invitation
    from afterword.sending.provider import Outcome, Seen, Single

CAP = {"period": "P1D"}
CAMPAIGNS = [
    campaign("at-once", keep_address="always"),
    campaign("later", delay="PT2H", survey=2, contact_cap=CAP),
    campaign(
        "dropping",
        delay="PT30M",
        contact_cap=CAP | {"when_capped": "drop"},
        on_partial_refund="cancel",
    ),
    campaign("welcome", event="signup", delay="P1D", survey=2, expires_after="P2D"),
    campaign("panel", account="panel", delay="PT2H", template=1),
    campaign("elsewhere", shop="other", survey=3, contact_cap=CAP),
    # Keeps no address of whom it has asked; no contact cap in this shop, so that a claim leaves the customer's record
    # alone.
    campaign("lean", shop="plain", survey=4),
    campaign("lean-later", shop="plain", event="signup", survey=4, delay="PT2H"),
]
CAPPED = capped_shops(CAMPAIGNS)
BY_ID = {each.id: each for each in CAMPAIGNS}
SHOPS = ["demo", "demo", "demo", "other", "plain"]
KINDS = ["purchase", "purchase", "signup"]
FAR = 4_000_000_000
# Less than the furthest that business time may be ahead of the wall clock.
AHEAD = 240
# Longer than an invocation and its lease, and than a call in doubt is left alone.
LEASES = 1000
UNFINISHED = {
    BatchState.CLAIMING,
    BatchState.CALLING,
    BatchState.RELEASING,
    BatchState.UNCERTAIN,
}
READ_THROUGH = {BatchState.SENT, BatchState.DROPPED, BatchState.HELD}
BY_OPERATOR = {"sent_by_operator", "dropped_by_operator"}
# Which argument of an operation is its rows: a transaction takes a part of them.
IN_PARTS = {"create": 0, "move": 0, "remember_customers": 0, "suppress": 0, "claim": 1}
FREED = 10_000

OUTCOMES: dict[str, Outcome | None] = {
    "sent": None,
    "lost": Uncertain("http_502"),
    "refused": Refused("http_422"),
    "unreachable": Retry("unreachable", outage=True),
    "slow down": Retry("http_429", after=90, whole_account=True),
    "credentials": Retry("credentials", whole_account=True, breaks=True),
    "busy": Retry("still_being_sent", after=60),
}
SINGLES: dict[str, Single] = {
    "sent": Sent(None),
    "lost": Uncertain("no_type"),
    "left": Refused("respondent_not_found", suppresses=True),
    "unknown token": Refused("token_not_found"),
    "quota": Retry("quota", after=5 * HOUR, whole_account=True),
    "unreachable": Retry("unreachable", outage=True),
    "odd": Puzzling("netquest: odd"),
}


class KilledError(BaseException):
    """SIGKILL: no handler of ours sees it."""


class Accidents:
    """A ledger on whose operations an accident waits: after so many of them it happens."""

    def __init__(self, ledger: Any) -> None:
        self.inner = ledger
        self.left = 0
        self.accident: Callable[[Callable[..., Any], int | None, list[Any]], Any] | None = None
        self.on_claim: Callable[[Batch, Claimed, int], None] = lambda *_: None

    def __getattr__(self, name: str) -> Any:
        return partial(self._operate, getattr(self.inner, name), IN_PARTS.get(name))

    def claim(self, batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
        def claim(batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
            claimed: Claimed = self.inner.claim(batch, claims, now)
            self.on_claim(batch, claimed, now)
            return claimed

        done: Claimed = self._operate(claim, IN_PARTS["claim"], batch, claims, now)
        return done

    def _operate(self, operation: Callable[..., Any], rows: int | None, *arguments: Any) -> Any:
        if self.accident:
            self.left -= 1
            if self.left <= 0:
                accident, self.accident = self.accident, None
                return accident(operation, rows, list(arguments))
        return operation(*arguments)


def killed_before(*_: object) -> Any:
    raise KilledError


def killed_after(operation: Callable[..., Any], _: int | None, arguments: list[Any]) -> Any:
    operation(*arguments)
    raise KilledError


def killed_halfway(operation: Callable[..., Any], rows: int | None, arguments: list[Any]) -> Any:
    if rows is not None:
        all_ = list(arguments[rows])
        arguments[rows] = all_[: (len(all_) + 1) // 2]
        operation(*arguments)
    raise KilledError


class Provider(FakeProvider):
    """A provider that tells of each call that it really processes, and knows its surveys apart."""

    def __init__(
        self, clock: Clock, *, replays_key: bool = False, one_by_one: bool = False
    ) -> None:
        super().__init__(clock, replays_key=replays_key, one_by_one=one_by_one)
        self.on: dict[int, int] = {}
        self.singles: list[Single] = []
        self.dies = False

    on_accept: Callable[[str, list[str]], None] = staticmethod(lambda *_: None)
    key = ""
    survey = 0

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        self.survey, self.key = survey, key
        if self.one_by_one:
            return self.ask_each(body, key)
        return super().invite(survey, body, key)

    def ask_each(self, body: bytes, key: str) -> Each:
        emails = self.emails(body)
        planned = (
            [self.singles[n % len(self.singles)] for n in range(len(emails))]
            if (self.singles)
            else [Sent(None)] * len(emails)
        )
        self.singles = []
        processed = [
            email
            for email, single in zip(emails, planned, strict=True)
            if isinstance(single, Sent | Uncertain)
        ]
        if processed:
            self.on_accept(key, processed)
        if self.dies:
            self.dies = False
            raise KilledError
        return Each(tuple(planned))

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        return [each for each in super().list_after(survey, after_id) if self.on[each.id] == survey]

    def knows_the_call(self) -> bool:
        return self.replays_key and any(each.key == self.key for each in self.accepted)

    def accept(self, emails: list[str], key: str) -> Sent:
        if not self.knows_the_call():
            self.on_accept(key, emails)
        sent = super().accept(emails, key)
        if sent.id is not None:
            self.on.setdefault(sent.id, self.survey)
        return sent


class Books:
    """All that a ledger holds, read past it."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger

    def invitations(self) -> list[Invitation]:
        return list(self.ledger._invitations.values())

    def batches(self) -> list[Batch]:
        return list(self.ledger._batches.values())


class DynamoDbBooks:
    """As `Books`, out of a table."""

    def __init__(self, client: Any, table: str) -> None:
        self.client, self.table = client, table

    def _rows(self, prefix: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table)
        rows = [from_wire(item) for page in pages for item in page["Items"]]
        return [row for row in rows if row["pk"].startswith(prefix)]

    def invitations(self) -> list[Invitation]:
        return [
            items.parse_invitation(row) for row in self._rows("O#") if row["sk"].startswith("I#")
        ]

    def batches(self) -> list[Batch]:
        return [items.parse_batch(row) for row in self._rows("B#") if row["sk"] == items.ONLY]


class Pipeline(RuleBasedStateMachine):
    """Everything that may happen, in any order."""

    drain: ClassVar[list[int]] = [600] * 30 + [HOUR] * 24 + [DAY] * 7

    @staticmethod
    def make_ledger() -> tuple[Any, Any]:
        ledger = MemoryLedger()
        return ledger, Books(ledger)

    @initialize(replays=st.booleans())
    def begin(self, *, replays: bool) -> None:
        ledger, self.books = self.make_ledger()
        # It hands on whatever a ledger has.
        self.ledger: Any = Accidents(ledger)
        self.ledger.on_claim = self.claimed
        self.shop = Shop(CAMPAIGNS, Clock(), self.ledger)
        self.provider = Provider(self.shop.clock, replays_key=replays)
        self.panel = Provider(self.shop.clock, one_by_one=True)
        self.shop.providers = {"shop": self.provider, "panel": self.panel}
        self.provider.on_accept = self.panel.on_accept = self.accepted
        self.invited: Counter[Key] = Counter()
        # By a person's word somebody may be asked again, or counts as asked.
        self.may_be_asked: Counter[Key] = Counter()
        self.told_sent: set[Key] = set()
        self.stopped: set[Occasion] = set()
        # Whoever was killed had perhaps written it.
        self.perhaps_stopped: set[Occasion] = set()
        self.refunded_in_part: set[Occasion] = set()
        self.gone: set[tuple[str, str]] = set()
        self.forbidden: set[tuple[Key, str]] = set()
        self.claimed_at: dict[tuple[Key, str], tuple[int, int]] = {}
        self.asked: dict[tuple[str, str], list[tuple[tuple[int, int], Key]]] = {}
        self.wrong: list[str] = []
        self.seen: list[dict[str, Any]] = []
        self.undelivered: list[dict[str, Any]] = []
        self.wanted: set[Key] = set()
        self.person_of: dict[Occasion, str] = {}

    # What must never be. It is noted here and told below: the sweep would take an error for one row's.

    def claimed(self, batch: Batch, claimed: Claimed, now: int) -> None:
        for key in claimed.won:
            if (key.occasion.shop, self.person_of[key.occasion]) in self.gone:
                self.forbidden.add((key, batch.id))
                if key.occasion.shop in CAPPED:
                    self.wrong.append(f"{key}: who has left is claimed")
            # Of two at the same second the later one was claimed after the other.
            self.claimed_at[key, batch.id] = now, len(self.claimed_at)
            if self.is_stopped(key):
                self.forbidden.add((key, batch.id))

    def is_stopped(self, key: Key) -> bool:
        cancels = BY_ID[key.campaign].on_partial_refund == "cancel"
        return key.occasion in self.stopped or (cancels and key.occasion in self.refunded_in_part)

    def accepted(self, batch: str, emails: list[str]) -> None:
        found = {
            self.person_of[each.key.occasion]: each.key
            for each in self.books.invitations()
            if (each.state, each.batch) == (State.CLAIMED, batch)
        }
        if not set(emails) <= found.keys() or len(emails) != len(set(emails)):
            self.wrong.append(f"{batch}: {len(emails)} addresses for {len(found)} members")
        for key in (found[email] for email in emails if email in found):
            self.invited[key] += 1
            if self.invited[key] > 1 + self.may_be_asked[key]:
                self.wrong.append(f"{key}: invited twice")
            if (key, batch) in self.forbidden:
                self.wrong.append(f"{key}: invited after its refund, or after its customer left")
            self.hold_to_cap(key, self.claimed_at[key, batch])

    def hold_to_cap(self, key: Key, at: tuple[int, int]) -> None:
        before = self.asked.setdefault((key.occasion.shop, self.person_of[key.occasion]), [])
        cap = BY_ID[key.campaign].contact_cap
        if cap:
            # Business times of one and the same moment may be that far apart.
            since = at[0] - cap.period.total_seconds() + AHEAD + 60
            if [other for other, by in before if by != key and since < other[0] and other < at]:
                self.wrong.append(f"{key}: invited within the contact cap")
        before.append((at, key))

    @invariant()
    def nothing_is_wrong(self) -> None:
        if not hasattr(self, "shop"):
            return
        assert not self.wrong, self.wrong
        found = self.books.invitations()
        for each in found:
            if each.state is State.ENDED:
                assert each.reason
                assert not self.invited[each.key] or each.reason in BY_OPERATOR, each
                if each.reason == "refunded":
                    assert each.key.occasion in self.perhaps_stopped
        # Nothing pending is invisible, and nothing else is due.
        visible = [key for name in BY_ID for key in self.ledger.inner.due(name, FAR, FREED)]
        assert sorted(map(str, visible)) == sorted(
            str(each.key) for each in found if each.state is State.PENDING
        )
        assert self.wanted <= {each.key for each in found}

    # What happens.

    def deliver(self, *events: dict[str, Any]) -> None:
        self.seen += events
        for event in events:
            if event["type"] in KINDS:
                self.person_of.setdefault(self.occasion(event), event["customer"]["email"])
            if event["type"] == "refund" and not event.get("partial"):
                self.perhaps_stopped.add(self.occasion(event))
        try:
            self.shop.translate(*events)
        except KilledError:
            self.undelivered += events
            return
        for event in events:
            self.note(event)

    @staticmethod
    def occasion(event: dict[str, Any]) -> Occasion:
        kind = "signup" if "account_id" in event else "purchase"
        return Occasion(event["shop"], kind, event.get("account_id") or event["order_id"])

    def note(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "purchase" | "signup":
                self.wanted |= {
                    Key(self.occasion(event), each.id)
                    for each in CAMPAIGNS
                    if (each.shop, each.event) == (event["shop"], event["type"])
                }
            case "refund" if event.get("partial"):
                self.refunded_in_part.add(self.occasion(event))
            case "refund" | "cancellation":
                self.stopped.add(self.occasion(event))
            case _:
                self.gone.add((event["shop"], event["email"]))

    @rule(order=st.integers(0, 1), shop=st.sampled_from(SHOPS), kind=st.sampled_from(KINDS))
    def order(self, order: int, shop: str, kind: str) -> None:
        name = "order_id" if kind == "purchase" else "account_id"
        person = {"email": f"p{order}@example.com", "token": f"t{order}"}
        about: dict[str, Any] = {name: f"A-{order}", "customer": person}
        event = self.shop.event(kind, **about)
        self.deliver(event | {"shop": shop})

    @rule(first=st.integers(10, 99), size=st.integers(2, 6))
    def purchases(self, first: int, size: int) -> None:
        people = [
            (f"B-{number}", f"b{number}@example.com") for number in range(first, first + size)
        ]
        bought = [
            self.shop.event(
                "purchase", order_id=order, customer={"email": who, "token": order.lower()}
            )
            for order, who in people
        ]
        self.deliver(*bought)

    @rule(
        order=st.integers(0, 1),
        shop=st.sampled_from(SHOPS),
        how=st.sampled_from(["refund", "part", "order", "account"]),
    )
    def stop(self, order: int, shop: str, how: str) -> None:
        name = "account_id" if how == "account" else "order_id"
        kind = "refund" if how in {"refund", "part"} else "cancellation"
        about: dict[str, Any] = {name: f"A-{order}"}
        if how == "part":
            about["partial"] = True
        self.deliver(self.shop.event(kind, **about) | {"shop": shop})

    @rule(
        person=st.integers(0, 1),
        shop=st.sampled_from(SHOPS),
        kind=st.sampled_from(["unsubscribe", "erasure"]),
    )
    def leave(self, person: int, shop: str, kind: str) -> None:
        self.deliver(self.shop.event(kind, email=f"p{person}@example.com") | {"shop": shop})

    @precondition(lambda self: self.undelivered)
    @rule()
    def redeliver(self) -> None:
        events, self.undelivered = self.undelivered, []
        for event in events:
            self.deliver(event)

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), size=st.integers(1, 4))
    def replay(self, data: st.DataObject, size: int) -> None:
        """Let the same events come again, in another order."""
        again = data.draw(st.permutations(self.seen))[:size]
        self.deliver(*again)

    @rule(names=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=4))
    def plan(self, names: list[str]) -> None:
        self.provider.outcomes.extend(partial(self.answer, OUTCOMES[name]) for name in names)

    @rule(
        names=st.lists(st.sampled_from(sorted(SINGLES)), min_size=1, max_size=4), dies=st.booleans()
    )
    def plan_singles(self, names: list[str], *, dies: bool) -> None:
        self.panel.singles = [SINGLES[name] for name in names]
        self.panel.dies = dies

    def answer(self, outcome: Outcome | None, emails: list[str]) -> Outcome | None:
        del emails
        # What it has processed it does not refuse under the same key.
        return None if isinstance(outcome, Refused) and self.provider.knows_the_call() else outcome

    @rule(accepted=st.booleans(), dies=st.booleans())
    def plan_a_lost_answer(self, *, accepted: bool, dies: bool) -> None:
        def lose(emails: list[str]) -> Outcome:
            if accepted:
                self.provider.accept(emails, self.provider.key)
            if dies:
                raise KilledError
            return Uncertain("no answer: time-out")

        self.provider.outcomes.append(lose)

    @rule(
        left=st.integers(1, 40),
        how=st.sampled_from([killed_before, killed_after, killed_halfway]),
    )
    def plan_a_kill(self, left: int, how: Callable[..., Any]) -> None:
        self.ledger.left, self.ledger.accident = left, how

    @rule(
        left=st.integers(1, 12),
        what=st.sampled_from(["sweep", "ahead", "refund", "leave", "purchase", "resolve"]),
    )
    def plan_another_run(self, left: int, what: str) -> None:
        def interrupt(operation: Callable[..., Any], _: int | None, arguments: list[Any]) -> Any:
            other: dict[str, Callable[[], object]] = {
                "sweep": partial(self.sweep, 0),
                "ahead": self.sweep_ahead,
                "refund": partial(self.stop, 0, "demo", "refund"),
                "leave": partial(self.leave, 1, "demo", "unsubscribe"),
                "purchase": partial(self.order, 0, "demo", "purchase"),
                "resolve": partial(self.resolve, again=False),
            }
            other[what]()
            return operation(*arguments)

        self.ledger.left, self.ledger.accident = left, interrupt

    @rule(again=st.booleans())
    def resolve(self, *, again: bool) -> None:
        """Let a person look: who was asked counts as sent, who was not is dropped, or both are asked again."""
        accident, self.ledger.accident = self.ledger.accident, None
        for held in list(find(self.ledger, BY_ID)):
            mine = [each.key for each in members(self.ledger, held)]
            if again:
                resolution = Resolution.RESEND
            elif any(self.invited[key] for key in mine):
                resolution = Resolution.SENT
            else:
                resolution = Resolution.DROP
            done = resolve_all(self.ledger, [held], resolution, self.shop.clock(), lambda _: None)
            if done.entries and resolution is Resolution.RESEND:
                self.may_be_asked.update(key for key in mine if self.invited[key])
            if done.entries and resolution is Resolution.SENT:
                self.told_sent |= set(mine)
        self.ledger.accident = accident

    @rule(seconds=st.sampled_from([1, 30, 60, 200, 600, HOUR, 2 * HOUR, 6 * HOUR, DAY]))
    def pass_time(self, seconds: int) -> None:
        self.shop.clock.pass_by(seconds)

    @rule(ahead=st.sampled_from([0, 0, 0, -60, AHEAD]))
    def sweep(self, ahead: int) -> None:
        """Sweep by a business time that is the wall clock's, or behind, or ahead of it."""
        try:
            counts = self.shop.sweep(self.shop.clock() + ahead)
        except KilledError:
            return
        assert not counts["failed"]

    def sweep_ahead(self) -> None:
        """Sweep by a clock that takes the others' leases for over."""
        self.shop.clock.pass_by(LEASES)
        self.sweep(0)
        self.shop.clock.pass_by(-LEASES)

    # What must be in the end.

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        self.ledger.accident = None
        self.provider.outcomes.clear()
        self.panel.singles, self.panel.dies = [], False
        self.redeliver()
        for seconds in self.drain:
            self.shop.clock.pass_by(seconds)
            self.sweep(0)
        self.nothing_is_wrong()
        now = self.shop.clock()
        batches = {each.id: each for each in self.books.batches()}
        assert not [each for each in batches.values() if each.state in UNFINISHED]
        for each in CAMPAIGNS:
            way = self.ledger.inner.read_way(each.account, each.survey)
            assert way.slot.holder is None, way
            assert way.account_state.probe_until <= now
        for invitation in self.books.invitations():
            self.has_come_to_an_end(invitation, batches, now)
        self.who_left_is_forgotten()

    def has_come_to_an_end(
        self, invitation: Invitation, batches: dict[str, Batch], now: int
    ) -> None:
        """Hold each invitation to one final state, or to a due time that has not come yet."""
        key = invitation.key
        match invitation.state:
            case State.PENDING:
                assert invitation.due > now
                assert not self.is_stopped(key)
                assert (key.occasion.shop, self.person_of[key.occasion]) not in self.gone
            case State.CLAIMED:
                read = batches[invitation.batch or ""]
                assert read.state in READ_THROUGH
                if read.state is not BatchState.HELD and key not in self.told_sent:
                    assert self.invited[key] >= 1
            case _:
                assert invitation.reason

    def who_left_is_forgotten(self) -> None:
        refs = [customer_ref(shop, customer_key(email, SECRET)) for shop, email in self.gone]
        for each in self.ledger.inner.read_customers(refs).values():
            assert (each.email, each.name, each.token) == (None, None, None)
            assert each.suppressed


class PipelineOnDynamoDb(Pipeline):
    """The same on moto's DynamoDB. Wants to run within `mock_aws`."""

    drain: ClassVar[list[int]] = [600] * 3 + [HOUR] * 4 + [DAY] * 9

    @staticmethod
    def make_ledger() -> tuple[Any, Any]:
        client = boto3.client("dynamodb")
        table = make_table(client, "LedgerTable")
        ledger = DynamoDbLedger(client, table, pause=lambda _: None)
        return ledger, DynamoDbBooks(client, table)
