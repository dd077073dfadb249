"""How many calls a thousand events cost. The pattern that everybody copies makes 2,000 to DynamoDB."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from afterword.remembering.dynamodb import DynamoDbLedger
from tests.support.samples import DAY, campaign
from tests.support.shop import Shop
from tests.support.tables import make_table

if TYPE_CHECKING:
    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud

EVENTS = 1000
MOST_CALLS = 60
CAP = {"period": "P30D"}


@pytest.fixture
def calls() -> Counter[str]:
    return Counter()


@pytest.fixture
def shop(local_cloud: Cloud, calls: Counter[str]) -> Shop:
    client = local_cloud.client("dynamodb")
    table = make_table(client, "LedgerTable")

    def count(model: Any, **_: object) -> None:
        calls[model.name] += 1

    client.meta.events.register("before-call.dynamodb", count)
    return Shop(ledger=DynamoDbLedger(client, table, pause=lambda _: None))


@pytest.mark.parametrize("cap", [None, CAP], ids=["uncapped", "capped"])
def test_a_thousand_purchases_that_go_out_at_once(
    shop: Shop, calls: Counter[str], cap: dict[str, str] | None
) -> None:
    shop.campaigns = [campaign(contact_cap=cap)]
    counts = shop.translate(*(shop.purchase(f"A-{number}") for number in range(EVENTS)))
    assert counts["sent"] == EVENTS
    assert len(shop.provider.calls) == 1
    assert calls.total() <= MOST_CALLS, calls


def test_a_thousand_signups_that_wait(shop: Shop, calls: Counter[str]) -> None:
    shop.campaigns = [campaign("after-signup", event="signup", delay="P30D")]
    shop.translate(*(shop.signup(f"S-{number}") for number in range(EVENTS)))
    assert calls.total() <= MOST_CALLS, calls


def test_two_thousand_follow_ups_that_go_out(shop: Shop, calls: Counter[str]) -> None:
    shop.campaigns = [campaign("after-signup", event="signup", delay="P30D", contact_cap=CAP)]
    shop.translate(*(shop.signup(f"S-{number}") for number in range(2 * EVENTS)))
    calls.clear()
    assert shop.sweep(shop.clock() + 30 * DAY)["sent"] == 2 * EVENTS
    assert len(shop.provider.calls) == 1
    assert calls.total() <= 2 * MOST_CALLS, calls


def test_a_thousand_duplicates(shop: Shop, calls: Counter[str]) -> None:
    purchases = [shop.purchase(f"A-{number}") for number in range(EVENTS)]
    shop.translate(*purchases)
    calls.clear()
    assert shop.translate(*purchases)["duplicate"] == EVENTS
    assert len(shop.provider.calls) == 1
    assert calls.total() <= MOST_CALLS, calls


def test_a_thousand_refunds(shop: Shop, calls: Counter[str]) -> None:
    shop.campaigns = [campaign(delay="PT2H")]
    shop.translate(*(shop.purchase(f"A-{number}") for number in range(EVENTS)))
    calls.clear()
    refunds = [shop.event("refund", order_id=f"A-{number}") for number in range(EVENTS)]
    assert shop.translate(*refunds)["ended.refunded"] == EVENTS
    assert calls.total() <= MOST_CALLS, calls
