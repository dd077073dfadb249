import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.deciding.campaigns import Campaign, ContactCap, parse_campaign
from afterword.deciding.rules import (
    Due,
    End,
    Reason,
    Send,
    StopMark,
    capped,
    on_arrival,
    stopped_by,
    when_due,
)
from afterword.reading.shop_events import Purchase, Signup, read_shop_event

STEADY = settings(derandomize=True, deadline=None, max_examples=200)
ROOT = Path(__file__).parents[3]
DAY = 24 * 60 * 60
OCCURRED = 1793527200  # 2026-11-01T10:00:00Z
PURCHASE = Purchase.model_validate(
    {
        "type": "purchase",
        "version": 1,
        "id": "evt-1",
        "shop": "demo",
        "occurred_at": "2026-11-01T10:00:00Z",
        "order_id": "A-1",
        "customer": {"email": "ada@example.com"},
        "amount": "20.00",
    }
)


def campaign(**fields: object) -> Campaign:
    shortest = {"shop": "demo", "event": "purchase", "account": "main", "survey": 1, "mode": "live"}
    return parse_campaign("after-purchase", json.dumps(shortest | fields))


def again(now: int = OCCURRED, due: int = OCCURRED, **fields: object) -> Send | End:
    row: dict[str, Any] = {"kind": "purchase", "shop": "demo", "occurred": OCCURRED, "due": due}
    return when_due(campaign(**fields), **row, email="ada@example.com", now=now)


@pytest.mark.parametrize(
    "fields",
    [
        {"shop": "other"},
        {"event": "signup"},
        {"conditions": [{"field": "amount", "at_least": "20.01"}]},
        {
            "conditions": [
                {"field": "amount", "at_least": "20"},
                {"field": "currency", "equals": "EUR"},
            ]
        },
    ],
)
def test_an_event_that_a_campaign_does_not_want_leaves_nothing(fields: dict[str, object]) -> None:
    assert on_arrival(PURCHASE, campaign(**fields), OCCURRED) is None


@pytest.mark.parametrize("mode", ["dry_run", "live"])
def test_a_wanted_event_is_due_after_the_delay_whatever_the_mode(mode: str) -> None:
    wanted = campaign(
        mode=mode, delay="PT2H", conditions=[{"field": "amount", "at_least": "20.00"}]
    )
    assert on_arrival(PURCHASE, wanted, OCCURRED) == Due(OCCURRED + 7200)


def test_an_unwanted_event_is_not_even_too_old() -> None:
    assert on_arrival(PURCHASE, campaign(shop="other"), OCCURRED + 1000 * DAY) is None


def test_an_event_is_too_old_after_ninety_days() -> None:
    slow = campaign(delay="P60D", expires_after="P60D")
    assert on_arrival(PURCHASE, slow, OCCURRED + 90 * DAY) == Due(OCCURRED + 60 * DAY)
    assert on_arrival(PURCHASE, slow, OCCURRED + 90 * DAY + 1) == End(Reason.TOO_OLD)


def test_an_event_from_before_the_start_is_too_old() -> None:
    at_start = campaign(starts_at="2026-11-01T10:00:00Z")
    assert on_arrival(PURCHASE, at_start, OCCURRED) == Due(OCCURRED)
    after_start = campaign(starts_at="2026-11-01T10:00:01Z")
    assert on_arrival(PURCHASE, after_start, OCCURRED) == End(Reason.TOO_OLD)


def test_an_event_that_comes_after_its_expiry_ends_as_expired() -> None:
    short = campaign(delay="P1D", expires_after="P1D")
    assert on_arrival(PURCHASE, short, OCCURRED + 2 * DAY) == Due(OCCURRED + DAY)
    assert on_arrival(PURCHASE, short, OCCURRED + 2 * DAY + 1) == End(Reason.EXPIRED)


def test_an_event_a_little_ahead_of_the_clock_is_due_in_its_own_time() -> None:
    assert on_arrival(PURCHASE, campaign(), OCCURRED - 200) == Due(OCCURRED)


@pytest.mark.parametrize("change", [{"shop": "other"}, {"event": "signup"}])
def test_a_campaign_that_turned_to_something_else_ends_what_was_waiting(
    change: dict[str, Any],
) -> None:
    assert again(**change) == End(Reason.CAMPAIGN_CHANGED)


def test_a_start_that_was_set_later_holds_for_what_was_waiting() -> None:
    assert again(starts_at="2026-11-01T10:00:01Z") == End(Reason.TOO_OLD)


def test_an_expiry_counts_from_the_first_due_time() -> None:
    due = OCCURRED + DAY
    assert again(due=due, now=due + 7 * DAY, expires_after="P7D") == Send()
    assert again(due=due, now=due + 7 * DAY + 1, expires_after="P7D") == End(Reason.EXPIRED)


def test_an_invitation_without_an_expiry_ends_before_the_ledger_forgets_it() -> None:
    assert again(now=OCCURRED + 90 * DAY) == Send()
    assert again(now=OCCURRED + 90 * DAY + 1) == End(Reason.EXPIRED)


def test_a_dry_run_sends_nothing() -> None:
    assert again(mode="dry_run") == End(Reason.DRY_RUN)
    assert again(mode="dry_run", allow_list=["@example.com"]) == End(Reason.DRY_RUN)


def test_an_allow_list_lets_its_own_people_through() -> None:
    assert again(mode="allow_list", allow_list=["@example.com"]) == Send()
    assert again(mode="allow_list", allow_list=["b@example.com"]) == End(Reason.NOT_ON_ALLOW_LIST)


def test_a_live_campaign_asks_no_list() -> None:
    assert again(mode="live", allow_list=["b@example.com"]) == Send()


@pytest.mark.parametrize(
    ("why", "partial", "on_partial_refund", "reason"),
    [
        ("refunded", False, "keep", Reason.REFUNDED),
        ("refunded", False, "cancel", Reason.REFUNDED),
        ("refunded", True, "keep", None),
        ("refunded", True, "cancel", Reason.PARTIALLY_REFUNDED),
        ("cancelled", False, "keep", Reason.CANCELLED),
    ],
)
def test_a_stop_mark_ends_what_the_campaign_wants_ended(
    why: Literal["refunded", "cancelled"],
    on_partial_refund: str,
    reason: Reason | None,
    *,
    partial: bool,
) -> None:
    mark = StopMark(why, at=OCCURRED, amount="5.00", partial=partial)
    assert stopped_by(mark, campaign(on_partial_refund=on_partial_refund)) is reason


def test_without_a_stop_mark_nothing_is_stopped() -> None:
    assert stopped_by(None, campaign()) is None


MONTH = ContactCap(period=timedelta(days=30))


def test_a_customer_is_free_again_when_the_period_is_over() -> None:
    assert capped(OCCURRED, MONTH, OCCURRED) == OCCURRED + 30 * DAY
    assert capped(OCCURRED, MONTH, OCCURRED + 30 * DAY - 1) == OCCURRED + 30 * DAY
    assert capped(OCCURRED, MONTH, OCCURRED + 30 * DAY) is None


def test_without_a_cap_or_an_earlier_invitation_a_customer_is_free() -> None:
    assert capped(OCCURRED, None, OCCURRED) is None
    assert capped(None, MONTH, OCCURRED) is None


TIMES = st.integers(0, 4 * 10**9)


@STEADY
@given(TIMES, st.integers(1, 365 * DAY), TIMES)
def test_who_waits_for_the_time_that_a_cap_named_is_free_then(
    last_at: int, period: int, now: int
) -> None:
    cap = ContactCap(period=timedelta(seconds=period))
    free_at = capped(last_at, cap, now)
    assert free_at is None or free_at > now
    assert capped(last_at, cap, free_at or now) is None
    assert (free_at is None) == (now - last_at >= period)


@STEADY
@given(
    occurred=st.integers(1_600_000_000, 2_000_000_000),
    age=st.integers(-300, 200 * DAY),
    delay=st.integers(0, 180 * DAY),
    expiry=st.none() | st.integers(1, 90 * DAY),
)
def test_what_is_due_on_arrival_is_sent_at_that_time(
    occurred: int, age: int, delay: int, expiry: int | None
) -> None:
    """An invitation is never due at a time at which it would only end."""
    happened = datetime.fromtimestamp(occurred, tz=UTC)
    # Not a copy: that would have taken along when it happened, in seconds, as it was found before.
    event = Purchase.model_validate(PURCHASE.model_dump() | {"occurred_at": happened.isoformat()})
    plan = campaign(delay=f"PT{delay}S", expires_after=expiry and f"PT{expiry}S")
    decision = on_arrival(event, plan, occurred + age)
    if isinstance(decision, Due):
        assert decision.at == occurred + delay
        row: dict[str, Any] = {"kind": "purchase", "shop": "demo", "occurred": occurred}
        later = max(decision.at, occurred + age)
        assert when_due(plan, **row, due=decision.at, email="a@example.com", now=later) == Send()
    else:
        too_old = age > 90 * DAY
        assert decision == End(Reason.TOO_OLD if too_old else Reason.EXPIRED)
        assert too_old or age > delay + (expiry or 90 * DAY)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("purchase", {"after-purchase": 0}),
        ("purchase-waiting", {"after-large-purchase": 7200}),
        ("purchase-to-cancel", {"after-large-purchase": 7200}),
        ("purchase-panel", {"after-panel-purchase": 0}),
        ("purchase-panel-unsubscribed", {"after-panel-purchase": 0}),
        ("signup", {"after-signup": 30 * DAY}),
        ("signup-to-unsubscribe", {"after-signup": 30 * DAY}),
        ("signup-to-erase", {"after-signup": 30 * DAY}),
    ],
)
def test_each_sample_event_is_wanted_by_one_sample_campaign(
    name: str, expected: dict[str, int]
) -> None:
    event = read_shop_event(json.loads((ROOT / "events" / f"{name}.json").read_text()))
    assert isinstance(event, Purchase | Signup)
    plans = [
        parse_campaign(path.stem, path.read_text())
        for path in (ROOT / "local" / "campaigns").glob("*.json")
    ]
    decisions = {plan.id: on_arrival(event, plan, event.occurred) for plan in plans}
    due = {
        id_: each.at - event.occurred for id_, each in decisions.items() if isinstance(each, Due)
    }
    assert len(decisions) == 4
    assert due == expected


def test_every_reason_is_explained_to_the_shops_engineer() -> None:
    page = (ROOT / "docs" / "campaigns.md").read_text()
    missing = [reason for reason in Reason if f"| `{reason}` |" not in page]
    assert missing == []
