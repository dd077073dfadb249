"""A simulation says what the real functions would do, and reaches nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from afterword.operating.simulation import SAME, UNWANTED, Simulation
from afterword.reading.shop_events import read_shop_event
from tests.support.samples import DAY, HOUR, NOW, campaign
from tests.support.shop import Shop

if TYPE_CHECKING:
    from afterword.deciding.campaigns import Campaign
    from afterword.operating.simulation import Fate
    from afterword.reading.shop_events import ShopEvent

TWO_HOURS = {"delay": "PT2H"}


def event(kind: str, at: int = NOW, **more: Any) -> ShopEvent:
    known = {"type": kind, "version": 1, "id": "E-1", "shop": "demo"}
    occurred = datetime.fromtimestamp(at, UTC).isoformat()
    return read_shop_event(known | {"occurred_at": occurred} | more)


def purchase(order: str = "A-1", at: int = NOW, **more: Any) -> ShopEvent:
    person = {"email": more.pop("email", f"{order.lower()}@example.com")} | more.pop("person", {})
    return event("purchase", at, order_id=order, customer=person, **more)


def fates(campaigns: list[Campaign], *events: ShopEvent, as_live: bool = False) -> list[Fate]:
    return Simulation(campaigns, as_live=as_live).run(events)


def short(found: list[Fate]) -> list[tuple[int, bool | None, int | None, str]]:
    return [(each.event, each.asked, each.at, each.why.partition(":")[0]) for each in found]


def test_who_would_be_asked_is_told_with_when() -> None:
    found = fates([campaign(**TWO_HOURS)], purchase("A-1"), purchase("A-2", NOW + 9))
    assert short(found) == [(0, True, NOW + 2 * HOUR, ""), (1, True, NOW + 2 * HOUR + 60, "")]


def test_what_happens_meanwhile_counts_in_whatever_order_it_is_told() -> None:
    events = [
        event("refund", NOW + HOUR, order_id="A-1"),
        event("refund", NOW + 3 * HOUR, order_id="A-2"),
        event("unsubscribe", NOW + 60, email="a-3@example.com"),
        purchase("A-1"),
        purchase("A-2"),
        purchase("A-3"),
    ]
    assert short(fates([campaign(**TWO_HOURS)], *events)) == [
        (3, False, None, "refunded"),
        (4, True, NOW + 2 * HOUR, ""),
        (5, False, None, "unsubscribed"),
    ]


def test_a_contact_cap_defers_and_the_clock_goes_on_until_all_is_done() -> None:
    cap: dict[str, Any] = {"contact_cap": {"period": "P30D"}}
    found = fates(
        [campaign(**cap)], purchase("A-1"), purchase("A-2", NOW + DAY, email="a-1@example.com")
    )
    assert short(found) == [(0, True, NOW, ""), (1, True, NOW + 30 * DAY, "")]


def test_what_no_campaign_wants_and_what_was_there_before_are_told() -> None:
    picky = campaign(conditions=[{"field": "amount", "at_least": "100"}])
    rich = purchase("A-2", amount="150")
    found = fates([picky], purchase("A-1"), rich, rich, event("refund", order_id="A-9"))
    assert short(found) == [
        (0, False, None, UNWANTED),
        (1, True, NOW, ""),
        (2, False, None, SAME),
    ]


def test_a_dry_run_ends_as_such_unless_it_is_taken_for_live() -> None:
    campaigns = [campaign(mode="dry_run")]
    assert short(fates(campaigns, purchase())) == [(0, False, None, "dry_run")]
    assert short(fates(campaigns, purchase(), as_live=True)) == [(0, True, NOW, "")]
    assert campaigns[0].mode == "dry_run"


def test_a_netquest_campaign_asks_one_by_one_and_only_whom_it_can_name() -> None:
    panel = campaign(template=7, account="panel")
    known = purchase("A-2", person={"token": "T-2"})
    found = fates([panel], purchase("A-1"), known, purchase("A-3", person={"token": "T-3"}))
    assert short(found) == [
        (0, False, None, "no_token"),
        (1, True, NOW, ""),
        (2, True, NOW, ""),
    ]


def test_each_campaign_decides_for_itself() -> None:
    found = fates([campaign("b"), campaign("a", delay="PT1H")], purchase())
    assert [(each.key.campaign, each.at) for each in found if each.key] == [
        ("a", NOW + HOUR),
        ("b", NOW),
    ]


def test_a_signup_without_an_account_is_one_occasion_of_its_customer() -> None:
    person = {"email": "s@example.com"}
    again = event("signup", NOW + 5, customer=person)
    found = fates([campaign(event="signup")], event("signup", customer=person), again)
    assert short(found) == [(0, True, NOW, ""), (1, False, None, SAME)]


@pytest.mark.parametrize("changes", [{}, TWO_HOURS, {"expires_after": "PT1H", **TWO_HOURS}])
def test_it_says_what_the_pipeline_then_does(changes: dict[str, Any]) -> None:
    shop = Shop([campaign(**changes)])
    events = [shop.purchase("A-1"), shop.purchase("A-2", email="a-1@example.com")]
    simulated = fates(shop.campaigns, *map(read_shop_event, events))
    shop.translate(*events)
    for _ in range(4):
        shop.clock.pass_by(HOUR)
        shop.sweep()
    assert len(shop.provider.invited) == sum(each.asked is True for each in simulated) == 2
