"""Drives a soak: brings events, moves the clock, kills instances, keeps the books that are not the handlers'."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks.soak.balance import Balance, Ledger
from benchmarks.soak.campaigns import LONGEST_DAYS, PREFIX, REPLAYS, parameters
from benchmarks.soak.events import MINUTE, START, Events
from benchmarks.soak.function import PROVIDER, Answer, Call, Function
from benchmarks.soak.queue import Queue
from benchmarks.stand_ins.definition import make_table
from benchmarks.stand_ins.processes import running
from local import fake_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.soak.balance import Sheet
    from benchmarks.stand_ins.processes import StandIn

DAY = 86_400
_TABLE = "ledger"
# As the template has them.
_TRANSLATE_MILLISECONDS = 60_000
_SWEEP_MILLISECONDS = 290_000
# Of the share of calls that fail: how many invocations are killed.
_KILLS = 0.4
# A batch of 1,000 events makes about half as many calls, each of which begins and ends.
_LIVES_AT_MOST = 150
_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    Attributes:
        events: How many.
        seed: Of events and faults.
        faults: The share of calls that fail, and (less of them) of invocations that are killed.
        log: Where the functions' logs go.
        days: How many the clock goes on after the last event; fewer than all leave follow-ups waiting.
        plant: Breaks something in every instance, for whoever tests the soak itself.
    """

    events: int
    seed: int
    faults: float
    log: Path
    days: int = LONGEST_DAYS
    plant: Callable[[], None] | None = None

    @property
    def per_minute(self) -> int:
        """How many events come in a minute: all come within 200 minutes."""
        return max(2500, self.events // 200)


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        sheet: The balance sheet.
        aws: Calls, units and faults of the stand-in for AWS.
        provider: Calls and faults of the provider's.
        killed: How many invocations were killed, by function.
        invoked: How many invocations there were, by function.
        failed: How many ended with an error, by function.
        peaks: The most memory of each function's instances, in bytes, after each invocation.
        redelivered: How many messages came again.
        doubled: How many dead letters were put more than once.
        days: How far the clock was moved.
    """

    sheet: Sheet
    aws: Mapping[str, Any]
    provider: Mapping[str, Any]
    killed: dict[str, int]
    invoked: dict[str, int]
    failed: dict[str, int]
    peaks: dict[str, list[int]]
    redelivered: int
    doubled: int
    days: float


@dataclass
class _Drive:
    plan: Plan
    aws: StandIn
    provider: StandIn
    translate: Function
    sweep: Function
    queue: Queue
    tell: Callable[[str, int], None]
    ended: int = 0
    failed: dict[str, int] = field(default_factory=lambda: {"translate": 0, "sweep": 0})
    invoked: dict[str, int] = field(default_factory=lambda: {"translate": 0, "sweep": 0})

    def __post_init__(self) -> None:
        self._random = Random(self.plan.seed)  # noqa: S311 -- chance, no secret

    def run(self) -> int:
        """Go on until nothing is left to come; return the time then."""
        now, step = START + MINUTE, MINUTE
        last = self.queue.events.occurred(self.plan.events - 1) + self.plan.days * DAY
        while True:
            is_quiet = self._minute(now)
            self.tell("events", self.queue.new)
            self.tell("days", (now - START) // DAY)
            if len(self.queue) or not is_quiet:
                now, step = max(now + MINUTE, self.ended), MINUTE
                continue
            due = self._due()
            if not due or now > last:
                return now
            # What is due and quiet all the same is blocked for a while: look after longer and longer pauses.
            step = min(step * 2, DAY) if due[0] <= now else MINUTE
            later = [at for at in due if at > now]
            now = min([now + step, *later]) if due[0] <= now else max(due[0], now + MINUTE)
            now = max(now, self.ended)

    def _due(self) -> list[int]:
        """Return when the next thing of each lane is due, the first one first. What is held waits for nothing."""
        firsts = self.aws.read(f"firsts?table={_TABLE}&index=due")
        return sorted(due for lane, due in firsts if not lane.startswith("held:"))

    def _minute(self, now: int) -> bool:
        """Run one sweep, and translate meanwhile what the queue has; return whether the sweep found nothing to do."""
        self.provider.tell(now=now)
        told = {"now": datetime.fromtimestamp(now, UTC).isoformat()}
        self.sweep.begin(self._call(told, now, _SWEEP_MILLISECONDS))
        while batch := self.queue.receive(now):
            event = self.queue.sqs_event(batch)
            self.translate.begin(self._call(event, now, _TRANSLATE_MILLISECONDS))
            answer = self._end("translate", self.translate)
            failed = list(batch)
            if answer and not answer.error:
                back = answer.payload["batchItemFailures"]
                failed = [int(each["itemIdentifier"]) for each in back]
            self.queue.keep(batch, failed, now)
        swept = self._end("sweep", self.sweep)
        if swept is None or swept.error:
            return False
        return all(name.startswith("blocked") for name in swept.payload["counts"])

    def _call(self, event: dict[str, Any], now: int, milliseconds: int) -> Call:
        is_killed = self._random.random() < self.plan.faults * _KILLS
        dies_after = self._random.randrange(_LIVES_AT_MOST) if is_killed else None
        return Call(event, now, milliseconds, dies_after)

    def _end(self, name: str, function: Function) -> Answer | None:
        answer = function.end()
        self.invoked[name] += 1
        self.failed[name] += bool(answer and answer.error)
        if answer:
            self.ended = max(self.ended, answer.ended)
        return answer


def run(plan: Plan, tell: Callable[[str, int], None] = lambda *_: None) -> Outcome:
    """Run a soak.

    Args:
        plan: What to do.
        tell: Hears how far it is: `events`, `days`, `audit`, and of how many.
    """
    with running("aws") as aws, running("provider") as provider:
        environ = _furnish(plan, aws, provider)
        events = Events(plan.seed, plan.events, plan.per_minute)
        translate = Function("translate_events", environ, plan.log, plan.plant)
        sweep = Function("send_due_invitations", environ, plan.log, plan.plant)
        drive = _Drive(plan, aws, provider, translate, sweep, Queue(events), tell)
        try:
            end = drive.run()
        finally:
            translate.close()
            sweep.close()
        return _audit(drive, end, tell)


def _furnish(plan: Plan, aws: StandIn, provider: StandIn) -> dict[str, str]:
    client: Any = fake_account.client
    make_table(client("dynamodb", aws.url), _TABLE)
    for name, text in parameters(provider.url):
        client("ssm", aws.url).put_parameter(Name=name, Value=text, Type="String")
    aws.tell(share=plan.faults, seed=plan.seed)
    provider.tell(
        share=plan.faults, seed=plan.seed, replays=REPLAYS, daily=max(50, plan.events // 50)
    )
    return fake_account.fake_account({}, aws.url) | {
        PROVIDER: provider.url,
        "STAGE": "local",
        "TABLE_NAME": _TABLE,
        "PARAMETER_PREFIX": PREFIX,
        "DEAD_LETTER_QUEUE_URL": f"{aws.url}/123456789012/dead-letters",
        "ALLOW_TIME_TRAVEL": "false",
        "POWERTOOLS_SERVICE_NAME": "afterword-soak",
        "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def _audit(drive: _Drive, end: int, tell: Callable[[str, int], None]) -> Outcome:
    counts = drive.aws.read("counts")
    ledger = Ledger()
    for start in range(0, counts["items"][_TABLE], _LINES):
        lines = drive.aws.lines(f"items?table={_TABLE}&start={start}&count={_LINES}")
        ledger.take(lines.splitlines())
    letters = drive.aws.read("letters")
    balance = Balance(
        drive.queue.events, ledger, {name: (reason, crc) for name, reason, crc, _ in letters}
    )

    def accepted(account: str, survey: int) -> Mapping[str, int]:
        found: dict[str, int] = drive.provider.read(f"books?account={account}&survey={survey}")
        return found

    sheet = balance.sheet(accepted, lambda count: tell("audit", count))
    if drive.queue.given_up:
        sheet.errors["received too often"] = len(drive.queue.given_up)
    functions = {"translate": drive.translate, "sweep": drive.sweep}
    return Outcome(
        sheet=sheet,
        aws=counts,
        provider=drive.provider.read("counts"),
        killed={name: each.killed for name, each in functions.items()},
        invoked=drive.invoked,
        failed=drive.failed,
        peaks={name: each.peaks for name, each in functions.items()},
        redelivered=drive.queue.redelivered,
        doubled=sum(count > 1 for *_, count in letters),
        days=(end - START) / DAY,
    )
