"""A move, and the reservation that it gives back, are one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import boto3
from moto import mock_aws

from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.records import Claim, Move, State
from tests.support.samples import NOW, batch, customer, invitation, key
from tests.support.tables import make_table


def test_no_kill_leaves_a_reservation_for_which_nobody_was_asked() -> None:
    calls: Counter[str] = Counter()

    def count(model: Any, **_: object) -> None:
        calls[model.name] += 1

    with mock_aws():
        client = boto3.client("dynamodb")
        ledger = DynamoDbLedger(client, make_table(client, "LedgerTable"), pause=lambda _: None)
        ledger.remember_customers([customer("v1:A-1")], NOW)
        ledger.create([invitation("A-1")], NOW)
        opened = batch("B1")
        ledger.open_batch(opened, [key("A-1")])
        ledger.claim(opened, [Claim(invitation("A-1"), 60)], NOW)
        mine = ledger.read_invitations([key("A-1")])[key("A-1")]
        client.meta.events.register("before-call.dynamodb", count)
        ledger.move([Move(mine, State.ENDED, reason="refused", gives_back=True)])
        assert calls == {"TransactWriteItems": 1}
        assert ledger.read_customers(["v1:A-1"])["v1:A-1"].last_at is None
