"""How things stand after a sweep, as gauges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.noting import Notes
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import BatchState, State
from afterword.sending.provider import Retry, Uncertain
from afterword.standing import Standing
from tests.support.samples import DAY, HOUR, NOW, batch, campaign, invitation
from tests.support.shop import Shop

if TYPE_CHECKING:
    from afterword.sending.provider import Provider


def standing(shop: Shop) -> Standing:
    return Standing(shop.ledger, shop.provider_of, shop.campaigns)


def test_the_age_of_what_is_overdue_is_the_oldest_ones_over_all_campaigns() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    rows = [("A-1", "one", 1000), ("A-2", "one", 5000), ("A-3", "two", 3000), ("A-4", "gone", 9000)]
    for order, name, ago in rows:
        shop.ledger.create([invitation(order, campaign=name, due=NOW - ago)], NOW)
    assert standing(shop).overdue_age(NOW) == 9000
    assert standing(shop).overdue(NOW) == 4


def test_what_is_due_and_not_yet_overdue_has_no_age() -> None:
    shop = Shop()
    shop.ledger.create([invitation("A-1", due=NOW - 899)], NOW)
    assert standing(shop).overdue_age(NOW) == 0
    assert standing(shop).overdue_age(NOW + 1) == 900


def test_lanes_that_the_sweep_saw_idle_are_looked_at_no_more() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    shop.ledger.create([invitation("A-1", campaign="two", due=NOW - 1000)], NOW)
    looked: list[str] = []
    due_times = shop.ledger.due_times

    def look(campaign: str, most: int) -> list[int]:
        looked.append(campaign)
        return due_times(campaign, most)

    shop.ledger.due_times = look  # type: ignore[method-assign]  # counts
    idle = {"one": [NOW + 1, NOW + 2]}
    found = Standing(shop.ledger, shop.provider_of, shop.campaigns, idle)
    assert (found.pending(), found.overdue(NOW), found.overdue_age(NOW)) == (3, 1, 1000)
    assert looked == ["two"]


def test_of_each_campaign_a_thousand_are_counted() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    many = [invitation(f"A-{number}", campaign="one", due=NOW - 1000) for number in range(1001)]
    shop.ledger.create([*many, invitation("B-1", campaign="two")], NOW)
    found = standing(shop)
    assert (found.pending(), found.overdue(NOW)) == (1001, 1000)


def test_pending_are_all_who_wait_due_or_not_and_nobody_else() -> None:
    shop = Shop()
    kept = [
        invitation("A-1", due=NOW - HOUR),
        invitation("A-2", due=NOW + 89 * DAY),
        invitation("A-3", state=State.HELD, reason="r"),
        invitation("A-4", state=State.ENDED, reason="refunded"),
    ]
    shop.ledger.create(kept, NOW)
    assert standing(shop).pending() == 2


def test_uncertain_are_all_in_calls_that_are_in_doubt_now() -> None:
    shop = Shop()
    for name, size, state in [
        ("B1", 3, BatchState.UNCERTAIN),
        ("B2", 4, BatchState.UNCERTAIN),
        ("B3", 5, BatchState.SENT),
        ("B4", 6, BatchState.HELD),
    ]:
        shop.ledger.open_batch(batch(name, size=size, state=state), [])
    assert standing(shop).uncertain() == 7


def test_of_very_many_calls_the_first_thousand_are_looked_at() -> None:
    shop = Shop()
    for number in range(1001):
        shop.ledger.open_batch(batch(f"B{number}", state=BatchState.UNCERTAIN), [])
    assert standing(shop).uncertain() == 1000


def gauges(shop: Shop, wall: float = NOW) -> dict[tuple[str, str | None], float]:
    notes = Notes()
    over_all = standing(shop).note(notes, NOW, wall)
    found = {(each.metric, each.about.get("account")): each.value for each in notes.take_measured()}
    assert {name: found[name, None] for name in over_all} == over_all
    return found


def test_where_nothing_happens_each_gauge_says_zero() -> None:
    assert set(gauges(Shop()).values()) == {0}


def test_a_breaker_is_open_while_its_account_is_not_to_be_trusted() -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.outcomes.append(Retry("credentials", whole_account=True, breaks=True))
    shop.translate(shop.purchase())
    assert gauges(shop)["BreakerOpen", "shop"] == 1
    shop.clock.pass_by(HOUR)
    shop.sweep()
    assert gauges(shop)["BreakerOpen", "shop"] == 0


def test_one_lost_answer_opens_no_breaker() -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase())
    found = gauges(shop)
    assert (found["BreakerOpen", "shop"], found["UncertainInvitations", None]) == (0, 1)


def test_the_budget_is_the_share_of_this_minutes_requests() -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.calls_per_minute = 8
    shop.translate(shop.purchase())
    assert gauges(shop)["RateBudgetUsed", "shop"] == 12.5
    assert gauges(shop, NOW + 61)["RateBudgetUsed", "shop"] == 0


@pytest.mark.parametrize(
    "error", [AccountError("shop", ("there is no such parameter",)), ParametersError("throttled")]
)
def test_an_account_that_does_not_load_has_a_breaker_and_no_budget(error: Exception) -> None:
    shop = Shop([campaign()])

    def broken(_: str) -> Provider:
        raise error

    notes = Notes()
    Standing(shop.ledger, broken, shop.campaigns).note(notes, NOW, NOW)
    names = {each.metric for each in notes.take_measured()}
    assert "BreakerOpen" in names
    assert "RateBudgetUsed" not in names
