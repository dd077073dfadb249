"""What a sweep reads depends on what is due, not on what waits; where time runs out, the next one takes over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from afterword import sweep as sweeping
from afterword.deciding.account_errors import AccountError
from afterword.noting import Notes
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.dynamodb.items import LANE_SHARDS
from afterword.sending.mending import Mender
from afterword.sending.provider import Each, Sent
from afterword.sending.sender import Sender
from afterword.standing import Standing
from afterword.sweep import OVERDUE_AFTER, Sweep
from benchmarks.stand_ins import inside
from benchmarks.stand_ins.definition import make_table
from benchmarks.stand_ins.dynamodb import DynamoDB
from benchmarks.stand_ins.tables import Row
from benchmarks.sweeping.rows import Waiting, campaigns_item, shard_of
from tests.support.fakes import FakeProvider
from tests.support.samples import DAY, NOW, campaign
from tests.support.shop import INVOCATION, Shop

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "ledger"
NAMES = [f"campaign-{number}" for number in range(7)]
BUSY = NAMES[0]


@dataclass
class Sweeps:
    """Sweeps over a table that counts, in this process."""

    dynamodb: DynamoDB
    shop: Shop
    calls: list[tuple[str, bytes]]

    def fill(self, *waiting: Waiting) -> None:
        table = self.dynamodb.tables[TABLE]
        for item in [campaigns_item(NAMES), *(item for each in waiting for item in each.items())]:
            table.write(table.where(item), None, Row.of(item))

    def run(self, seconds: int = INVOCATION) -> Counter[str]:
        """Do as the function does."""
        self.calls.clear()
        self.dynamodb.counts.read_units.clear()
        shop, deadline = self.shop, self.shop.clock() + seconds
        by_id = {each.id: each for each in shop.campaigns}
        mender = Mender(shop.ledger, shop.provider_of, by_id, shop.clock, deadline)
        sender = Sender(
            shop.ledger, shop.provider_of, shop.clock, lambda: f"B{next(shop.ids)}", deadline
        )
        sweep = Sweep(shop.ledger, sender, mender, shop.clock, deadline, lambda all_: all_)
        counts = sweep.run(shop.campaigns, NOW)
        standing = Standing(shop.ledger, shop.provider_of, shop.campaigns, sweep.idle)
        self.gauges = standing.note(Notes(), NOW, shop.clock())
        return counts

    @property
    def reads(self) -> Counter[str]:
        """The calls of the last run that read. Each query is a page."""
        names = (operation for operation, _ in self.calls)
        return Counter(name for name in names if name in {"Query", "BatchGetItem"})

    @property
    def read_units(self) -> float:
        return sum(self.dynamodb.counts.read_units.values())

    def keys_read(self) -> Counter[str]:
        """Return how many items of which kind the last run read by key."""
        found = Counter[str]()
        for operation, body in self.calls:
            if operation == "BatchGetItem":
                wanted = orjson.loads(body)["RequestItems"][TABLE]["Keys"]
                found.update(each["pk"]["S"][:2] for each in wanted)
        return found

    def claimed_shards(self) -> list[int]:
        """Return from which shard each claim of the last run took an invitation out, in order."""
        shards = []
        for operation, body in self.calls:
            if operation != "TransactWriteItems":
                continue
            actions = [each.get("Update") for each in orjson.loads(body)["TransactItems"]]
            keys = [each["Key"] for each in actions if each]
            claimed = [key["pk"]["S"] for key in keys if key["pk"]["S"].startswith("O#")]
            shards += [shard_of(pk, BUSY) for pk in claimed]
        return shards


@pytest.fixture
def sweeps() -> Sweeps:
    dynamodb = DynamoDB()
    client = inside.client(dynamodb)
    make_table(client, TABLE)
    calls: list[tuple[str, bytes]] = []

    def note(model: Any, params: Any, **_: object) -> None:
        calls.append((model.name, params["body"]))

    client.meta.events.register("before-call.dynamodb", note)
    campaigns = [
        campaign(name, survey=number, event="signup", delay="P30D")
        for number, name in enumerate(NAMES, 1)
    ]
    shop = Shop(campaigns, ledger=DynamoDbLedger(client, TABLE, pause=lambda _: None))
    return Sweeps(dynamodb, shop, calls)


def later(count: int) -> Waiting:
    return Waiting(BUSY, count, NOW + DAY, spread=30 * DAY, known=False)


def due(count: int, ago: int = 0) -> Waiting:
    return Waiting(BUSY, count, NOW - ago)


def measure(sweeps: Sweeps, pending: int, now_due: int) -> tuple[int, float]:
    sweeps.fill(later(pending), due(now_due))
    assert sweeps.run() == ({"sent": now_due} if now_due else {})
    assert sweeps.gauges["PendingInvitations"] == min(pending, 1000)
    return sweeps.reads.total(), sweeps.read_units


@pytest.mark.parametrize("now_due", [0, 50])
def test_a_sweep_reads_as_much_with_a_thousand_waiting_as_with_many_times_as_many(
    sweeps: Sweeps, now_due: int
) -> None:
    few_calls, few_units = measure(sweeps, 1000, now_due)
    sweeps.fill(later(12_000))
    sweeps.fill(due(now_due, ago=1))
    sweeps.run()
    assert sweeps.gauges["PendingInvitations"] == 1000
    assert abs(sweeps.reads.total() - few_calls) <= 1
    assert sweeps.read_units == pytest.approx(few_units, rel=0.2)


def test_where_nothing_is_due_each_shard_of_a_lane_is_asked_once(sweeps: Sweeps) -> None:
    sweeps.fill()
    assert sweeps.run() == {}
    # Beside that: what a campaign holds; batches that are due, or in doubt.
    assert sweeps.reads["Query"] == len(NAMES) * (LANE_SHARDS + 1) + 2
    # All campaigns' names, and the account.
    assert sweeps.reads["BatchGetItem"] == 2
    assert sum(sweeps.dynamodb.counts.write_units.values()) == 0
    assert sweeps.read_units <= 25


def test_a_round_reads_no_more_than_it_can_send(
    sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, rounds = 400, 4
    monkeypatch.setattr(sweeping, "_MOST_ROWS", rows)
    sweeps.fill(later(2000), due(rounds * rows))
    assert sweeps.run() == {"sent": rounds * rows}
    keys = sweeps.keys_read()
    # Each of them, and its order's mark; its customer before the claim, and who wasn't claimed along with it after.
    assert keys["O#"] == 2 * rounds * rows
    assert keys["C#"] <= 2 * rounds * rows
    most = rounds * (LANE_SHARDS * 2 + 4 * rows // 100 + 4)
    assert sweeps.reads.total() <= most + len(NAMES) * (2 * LANE_SHARDS + 1) + 10


def test_claims_take_from_all_shards_alike(sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 400
    monkeypatch.setattr(sweeping, "_MOST_ROWS", rows)
    sweeps.fill(due(3 * rows))
    sweeps.run()
    claimed = sweeps.claimed_shards()
    assert len(claimed) == 3 * rows
    for begin in range(0, len(claimed), rows):
        of_round = Counter(claimed[begin : begin + rows])
        assert len(of_round) == LANE_SHARDS
        assert max(of_round.values()) < 1.4 * rows / LANE_SHARDS


class OneByOne(FakeProvider):
    """Asks each person of a batch in a call of its own."""

    def invite(self, survey: int, body: bytes, key: str) -> Each:
        del survey
        emails = self.emails(body)
        self.accept(emails, key)
        return Each(tuple(Sent(None) for _ in emails))


def call_one_by_one(sweeps: Sweeps, calls_per_minute: int) -> None:
    sweeps.shop.campaigns[0] = sweeps.shop.campaigns[0].model_copy(
        update={"unknown_respondent": "by_email"}
    )
    sweeps.shop.provider = OneByOne(
        sweeps.shop.clock,
        one_by_one=True,
        most_recipients=25,
        calls_per_minute=calls_per_minute,
    )


def test_a_round_of_calls_one_by_one_reads_what_a_minute_has_room_for(sweeps: Sweeps) -> None:
    call_one_by_one(sweeps, 200)
    sweeps.fill(due(1500))
    assert sweeps.run() == {"sent": 200, "blocked.rate_budget": 200}
    # Those that are sent, and as many in the round after that, which has no room for them.
    keys = sweeps.keys_read()
    assert keys["C#"] <= 3 * 200
    assert keys["O#"] <= 4 * 200


def test_of_what_a_broken_account_keeps_waiting_little_is_read(sweeps: Sweeps) -> None:
    def broken(account: str) -> FakeProvider:
        raise AccountError(account, ("there is no such parameter",))

    sweeps.shop.provider_of = broken  # type: ignore[method-assign]  # it does not load
    sweeps.fill(due(500))
    assert sweeps.run() == {"blocked.broken_account": 100}
    assert sweeps.keys_read()["O#"] == 100


def test_behind_many_that_nobody_can_read_there_may_be_others(sweeps: Sweeps) -> None:
    call_one_by_one(sweeps, 100)
    broken = due(130, ago=60)
    sweeps.fill(broken, due(20))
    table = sweeps.dynamodb.tables[TABLE]
    for item in broken.items():
        if item["sk"]["S"].startswith("I#"):
            odd = item | {"attempts": {"S": "some"}}
            table.write(table.where(item), Row.of(item), Row.of(odd))
    assert sweeps.run()["sent"] == 20


def test_the_next_run_takes_over_where_time_ran_out(
    sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, rounds = 100, 6
    monkeypatch.setattr(sweeping, "_MOST_ROWS", rows)
    shop = sweeps.shop
    shop.ledger.claim = taking(20, shop, shop.ledger.claim)  # type: ignore[method-assign]  # each round takes its time
    sweeps.fill(due(rounds * rows, ago=OVERDUE_AFTER))
    shop.provider.call_seconds = 20
    counts = sweeps.run(seconds=80)
    first = counts["sent"]
    assert 0 < first < rounds * rows
    assert counts == {"sent": first}, "some were claimed too late for their call"
    assert sweeps.gauges["OverdueInvitations"] == rounds * rows - first
    assert sweeps.run(seconds=290) == {"sent": rounds * rows - first}
    assert sweeps.gauges["OverdueInvitations"] == 0
    assert len(shop.provider.invited) == len(set(shop.provider.invited)) == rounds * rows


def taking[**P, T](seconds: int, shop: Shop, step: Callable[P, T]) -> Callable[P, T]:
    """Let time pass before each step."""

    def take(*arguments: P.args, **named: P.kwargs) -> T:
        shop.clock.pass_by(seconds)
        return step(*arguments, **named)

    return take
