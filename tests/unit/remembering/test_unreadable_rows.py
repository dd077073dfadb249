"""One row that nobody can read must not stop the others."""

from __future__ import annotations

from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.dynamodb.items import (
    PAUSES,
    batch_key,
    customer_item_key,
    invitation_key,
    lanes,
    readable,
)
from afterword.remembering.pauses import Pause
from afterword.remembering.records import BatchState, State
from tests.support.samples import NOW, batch, customer, invitation, key
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from afterword.remembering.dynamodb.table import Item

BROKEN: list[dict[str, Any]] = [
    {"state": {"S": "asleep"}},
    {"due": {"N": "0"}, "attempts": {"S": "some"}},
    {"occurred_at": {"L": []}},
    {"occurred_at": {"S": "NaN"}},
]


class Rows:
    """A ledger with good rows, and a way to break one."""

    def __init__(self) -> None:
        self.client: DynamoDBClient = boto3.client("dynamodb")
        self.table = make_table(self.client, "LedgerTable")
        self.ledger = DynamoDbLedger(self.client, self.table, pause=lambda _: None)
        orders = ["A-1", "A-2", "A-3"]
        self.ledger.remember_customers([customer(f"v1:{each}") for each in orders], NOW)
        self.ledger.create([invitation(each) for each in orders], NOW)

    def rewrite(self, row: tuple[str, str], **changes: Any) -> None:
        pk, sk = row
        at = {"pk": {"S": pk}, "sk": {"S": sk}}
        known = self.client.get_item(TableName=self.table, Key=at).get("Item", at)
        self.client.put_item(TableName=self.table, Item=known | changes)


@pytest.fixture
def rows() -> Iterator[Rows]:
    with mock_aws():
        yield Rows()


@pytest.mark.parametrize("changes", BROKEN)
def test_a_broken_invitation_is_left_out_and_stays_due(
    rows: Rows, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    rows.rewrite(invitation_key(key("A-2")), **changes)
    keys = [key("A-1"), key("A-2"), key("A-3")]
    assert rows.ledger.read_invitations(keys).keys() == {key("A-1"), key("A-3")}
    # There the alarm on overdue invitations sees it.
    assert set(rows.ledger.due("after-purchase", NOW, 100)) == set(keys)
    assert "can't be read" in caplog.text
    assert "A-2" not in caplog.text


def test_a_row_that_is_no_invitation_does_not_stop_what_is_due(rows: Rows) -> None:
    stray: dict[str, Any] = {"lane": {"S": lanes("after-purchase")[0]}, "due": {"N": "5"}}
    rows.rewrite(("somebody else's row", "-"), **stray)
    assert set(rows.ledger.due("after-purchase", NOW, 100)) == {
        key(order) for order in ("A-1", "A-2", "A-3")
    }


def test_a_row_that_is_no_invitation_does_not_stop_an_unsubscribe(rows: Rows) -> None:
    stray: dict[str, Any] = {"cust": {"S": "v1:A-1"}, "occurred_at": {"N": "5"}}
    rows.rewrite(("somebody else's row", "-"), **stray)
    assert rows.ledger.invitations_of("v1:A-1") == [key("A-1")]


def test_a_broken_customer_is_left_out(rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    rows.rewrite(customer_item_key("v1:A-2"), seen_at={"L": []})
    assert rows.ledger.read_customers(["v1:A-1", "v1:A-2"]).keys() == {"v1:A-1"}
    assert "can't be read" in caplog.text
    assert "@" not in caplog.text


def test_a_broken_batch_does_not_stop_the_mending_of_others(rows: Rows) -> None:
    for name in ("B1", "B2"):
        rows.ledger.open_batch(batch(name), [key("A-1")])
    rows.rewrite(batch_key("B1"), state={"S": "asleep"})
    assert rows.ledger.due_batches(NOW + 60, 10) == [batch("B2")]


@pytest.mark.parametrize(
    "fault", [KeyError("pk"), ValueError("x"), TypeError("x"), InvalidOperation()]
)
def test_what_a_broken_row_can_raise_is_passed_over(fault: Exception) -> None:
    def parse(item: Item) -> str:
        if item["pk"] == "broken":
            raise fault
        return str(item["pk"])

    assert list(readable(parse, [{"pk": "A"}, {"pk": "broken"}, {"pk": "B"}])) == ["A", "B"]


def test_a_fault_of_ours_is_not_passed_over() -> None:
    def parse(_: Item) -> str:
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        list(readable(parse, [{"pk": "A"}]))


def test_a_broken_row_does_not_stop_what_is_held(rows: Rows) -> None:
    held = [invitation(f"H-{number}", state=State.HELD, reason="r") for number in (1, 2)]
    rows.ledger.create(held, NOW)
    for name in ("B1", "B2"):
        rows.ledger.open_batch(batch(name, state=BatchState.HELD, size=4), [key("A-1")])
    rows.rewrite(invitation_key(key("H-1")), attempts={"S": "some"})
    rows.rewrite(batch_key("B1"), survey={"L": []})
    found = list(rows.ledger.held("after-purchase"))
    assert [each.state for each in found] == [State.HELD, BatchState.HELD]
    assert rows.ledger.count_held("after-purchase", 10) == 2 + 4, (
        "the broken invitation still counts"
    )


@pytest.mark.parametrize(
    "value", [{"S": "please"}, {"M": {}}, {"M": {"since": {"S": "NaN"}}}, {"NULL": True}]
)
def test_a_pause_that_nobody_can_read_pauses(rows: Rows, value: dict[str, Any]) -> None:
    rows.ledger.put_pause("campaign:other", Pause(NOW))
    rows.rewrite(PAUSES, all=value)
    assert rows.ledger.read_way("shop", 1).pauses == {
        "campaign:other": Pause(NOW),
        "all": Pause(0, None, "unreadable"),
    }
    assert rows.ledger.end_pause("all")
