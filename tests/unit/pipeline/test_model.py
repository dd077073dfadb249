"""Whatever happens, in whatever order, and killed wherever: nobody is invited twice, and nothing is left lying.

Each ledger operation may be the last one of its invocation, done in whole, in part or not at all; or another
invocation may run in full before it.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import BatchState, Key, State
from afterword.sending.provider import Refused, Retry, Uncertain
from tests.support.fakes import Clock, FakeProvider
from tests.support.samples import DAY, HOUR, campaign
from tests.support.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.remembering.records import Batch, Claim, Claimed
    from afterword.sending.provider import Outcome, Seen, Sent

CAMPAIGNS = [
    campaign("at-once"),
    campaign("later", delay="PT2H", survey=2, contact_cap={"period": "P1D"}),
]
CAP = DAY
UNFINISHED = {
    BatchState.CLAIMING,
    BatchState.CALLING,
    BatchState.RELEASING,
    BatchState.UNCERTAIN,
}
READ_THROUGH = {BatchState.SENT, BatchState.DROPPED, BatchState.HELD}
# Which argument of an operation is its rows: a transaction takes a part of them.
IN_PARTS = {"create": 0, "move": 0, "remember_customers": 0, "suppress": 0, "claim": 1}

OUTCOMES: dict[str, Outcome | None] = {
    "sent": None,
    "lost": Uncertain("http_502"),
    "refused": Refused("http_422"),
    "unreachable": Retry("unreachable", outage=True),
    "slow down": Retry("http_429", after=90, whole_account=True),
    "credentials": Retry("credentials", whole_account=True, breaks=True),
    "busy": Retry("still_being_sent", after=60),
}


class KilledError(BaseException):
    """SIGKILL: no handler of ours sees it."""


class Ledger:
    """A ledger on whose operations an accident waits: after so many of them it happens."""

    def __init__(self) -> None:
        self.memory = MemoryLedger()
        self.left = 0
        self.accident: Callable[[Callable[..., Any], int | None, list[Any]], Any] | None = None
        self.on_claim: Callable[[Batch, Claimed, int], None] = lambda *_: None

    def __getattr__(self, name: str) -> Any:
        return partial(self._operate, getattr(self.memory, name), IN_PARTS.get(name))

    def claim(self, batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
        def claim(batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
            claimed = self.memory.claim(batch, claims, now)
            self.on_claim(batch, claimed, now)
            return claimed

        return self._operate(claim, IN_PARTS["claim"], batch, claims, now)  # type: ignore[no-any-return]  # what was handed in

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

    def __init__(self, clock: Clock, *, replays_key: bool) -> None:
        super().__init__(clock, replays_key=replays_key)
        self.on: dict[int, int] = {}

    on_accept: Callable[[str, list[str]], None] = staticmethod(lambda *_: None)
    key = ""
    survey = 0

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        self.survey, self.key = survey, key
        return super().invite(survey, body, key)

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


class Pipeline(RuleBasedStateMachine):
    """Events, faults, time and sweeps in any order."""

    @initialize(replays=st.booleans())
    def begin(self, *, replays: bool) -> None:
        self.ledger = Ledger()
        self.ledger.on_claim = self.claimed
        self.shop = Shop(CAMPAIGNS, Clock(), self.ledger)
        self.shop.provider = self.provider = Provider(self.shop.clock, replays_key=replays)
        self.provider.on_accept = self.accepted
        self.invited: Counter[Key] = Counter()
        self.refunded: set[str] = set()
        self.gone: set[str] = set()
        self.forbidden: set[tuple[Key, str]] = set()
        self.claimed_at: dict[tuple[Key, str], int] = {}
        self.asked: dict[str, list[int]] = {}
        self.wrong: list[str] = []
        self.undelivered: list[dict[str, Any]] = []
        self.person_of: dict[str, str] = {}

    # What must never be. It is noted here and told below: the sweep would take an error for one row's.

    def claimed(self, batch: Batch, claimed: Claimed, now: int) -> None:
        for key in claimed.won:
            order = key.occasion.id
            if self.person_of[order] in self.gone:
                self.wrong.append(f"{key}: who has left is claimed")
            self.claimed_at[key, batch.id] = now
            if order in self.refunded:
                self.forbidden.add((key, batch.id))

    def accepted(self, batch: str, emails: list[str]) -> None:
        invitations = self.ledger.memory._invitations.values()
        members = [
            each.key for each in invitations if (each.state, each.batch) == (State.CLAIMED, batch)
        ]
        if not len(members) == len(emails) == len(set(emails)):
            self.wrong.append(f"{batch}: {len(emails)} addresses for {len(members)} members")
        for key in members:
            self.invited[key] += 1
            if self.invited[key] > 1:
                self.wrong.append(f"{key}: invited twice")
            if (key, batch) in self.forbidden:
                self.wrong.append(f"{key}: invited after its refund")
            at = self.claimed_at[key, batch]
            before = self.asked.setdefault(self.person_of[key.occasion.id], [])
            if key.campaign == "later" and [other for other in before if at - CAP < other <= at]:
                self.wrong.append(f"{key}: invited within the contact cap")
            before.append(at)

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.wrong
        for each in self.ledger.memory._invitations.values():
            if each.state is State.ENDED:
                assert each.reason
                assert not self.invited[each.key]

    # What happens.

    def deliver(self, event: dict[str, Any]) -> None:
        try:
            self.shop.translate(event)
        except KilledError:
            self.undelivered.append(event)
            return
        if event["type"] == "refund":
            self.refunded.add(event["order_id"])
        if event["type"] in {"unsubscribe", "erasure"}:
            self.gone.add(event["email"])

    @rule(order=st.integers(0, 5))
    def purchase(self, order: int) -> None:
        person = self.person_of.setdefault(f"A-{order}", f"p{order % 3}@example.com")
        self.deliver(self.shop.purchase(f"A-{order}", email=person))

    @rule(first=st.integers(10, 99), size=st.integers(2, 6))
    def purchases(self, first: int, size: int) -> None:
        orders = {f"B-{number}": f"b{number}@example.com" for number in range(first, first + size)}
        self.person_of |= orders
        events = [self.shop.purchase(order, email=who) for order, who in orders.items()]
        try:
            self.shop.translate(*events)
        except KilledError:
            self.undelivered += events

    @rule(order=st.integers(0, 5))
    def refund(self, order: int) -> None:
        self.deliver(self.shop.event("refund", order_id=f"A-{order}"))

    @rule(person=st.integers(0, 2), kind=st.sampled_from(["unsubscribe", "erasure"]))
    def leave(self, person: int, kind: str) -> None:
        self.deliver(self.shop.event(kind, email=f"p{person}@example.com"))

    @precondition(lambda self: self.undelivered)
    @rule()
    def redeliver(self) -> None:
        events, self.undelivered = self.undelivered, []
        for event in events:
            self.deliver(event)

    @rule(names=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=4))
    def plan(self, names: list[str]) -> None:
        self.provider.outcomes.extend(partial(self.answer, OUTCOMES[name]) for name in names)

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

    @rule(left=st.integers(1, 40), what=st.sampled_from(["sweep", "refund", "leave", "purchase"]))
    def plan_another_run(self, left: int, what: str) -> None:
        def interrupt(operation: Callable[..., Any], _: int | None, arguments: list[Any]) -> Any:
            other: dict[str, Callable[[], object]] = {
                "sweep": self.sweep,
                "refund": partial(self.refund, 0),
                "leave": partial(self.leave, 1, "unsubscribe"),
                "purchase": partial(self.purchase, 0),
            }
            other[what]()
            return operation(*arguments)

        self.ledger.left, self.ledger.accident = left, interrupt

    @rule(seconds=st.sampled_from([1, 30, 60, 200, 600, HOUR, 2 * HOUR, 6 * HOUR, DAY]))
    def pass_time(self, seconds: int) -> None:
        self.shop.clock.pass_by(seconds)

    @rule()
    def sweep(self) -> None:
        try:
            counts = self.shop.sweep()
        except KilledError:
            return
        assert not counts["failed"]

    # What must be in the end.

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        self.ledger.accident = None
        self.provider.outcomes.clear()
        self.redeliver()
        for seconds in [600] * 30 + [HOUR] * 24 + [DAY] * 7:
            self.shop.clock.pass_by(seconds)
            counts = self.shop.sweep()
            assert not counts["failed"]
        self.nothing_is_wrong()
        now = self.shop.clock()
        for batch in self.ledger.memory._batches.values():
            assert batch.state not in UNFINISHED, batch
        for survey in (1, 2):
            way = self.ledger.memory.read_way("shop", survey)
            assert way.slot.holder is None, way
            assert way.account_state.probe_until <= now
        for each in self.ledger.memory._invitations.values():
            match each.state:
                case State.PENDING:
                    assert each.due > now
                case State.CLAIMED:
                    read = self.ledger.memory.read_batch(each.batch or "")
                    assert read
                    assert read.state in READ_THROUGH
                    if read.state is not BatchState.HELD:
                        assert self.invited[each.key] == 1
                case _:
                    assert each.reason


def test_in_any_order_nobody_is_invited_twice_and_nothing_is_left_lying() -> None:
    run_state_machine_as_test(
        Pipeline,
        settings=settings(
            max_examples=250, stateful_step_count=25, deadline=None, derandomize=True, database=None
        ),
    )
