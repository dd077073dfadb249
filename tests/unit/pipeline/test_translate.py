from __future__ import annotations

from collections import Counter

import pytest

from afterword.deciding.customer_key import customer_key
from afterword.remembering.records import State, customer_ref
from afterword.sending.provider import Retry
from tests.support.samples import DAY, HOUR, NOW, campaign, key
from tests.support.shop import SECRET, Shop

FOLLOW_UP = campaign("after-signup", event="signup", delay="P30D", expires_after="P14D")
LATER = campaign(delay="PT2H")


def who(email: str, shop: str = "demo") -> str:
    return customer_ref(shop, customer_key(email, SECRET))


def follow_up(account: str) -> object:
    return key(account, "after-signup", "signup")


def test_a_purchase_is_invited_at_once() -> None:
    shop = Shop()
    counts = shop.translate(shop.purchase("A-1"))
    assert shop.provider.invited == ["a-1@example.com"]
    assert counts == Counter({"event.purchase": 1, "sent": 1})
    (found,) = shop.invitations(key("A-1"))
    assert found.state is State.CLAIMED
    batch = shop.ledger.read_batch(found.batch or "")
    assert batch
    assert (batch.state, batch.provider_id, batch.size) == ("sent", 1, 1)


def test_the_same_event_again_changes_nothing() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.purchase("A-1"), shop.purchase("A-1", email="b@example.com"))
    assert shop.provider.invited == ["a-1@example.com"]
    assert counts["duplicate"] == 2


def test_a_batch_of_purchases_is_one_call() -> None:
    shop = Shop()
    shop.translate(*(shop.purchase(f"A-{number}") for number in range(250)))
    assert len(shop.provider.calls) == 1
    assert len(set(shop.provider.invited)) == 250


def test_a_signup_waits_for_its_day() -> None:
    shop = Shop([FOLLOW_UP])
    counts = shop.translate(shop.signup("S-1"))
    assert shop.provider.calls == []
    assert counts["waiting"] == 1
    (found,) = shop.invitations(follow_up("S-1"))
    assert (found.state, found.due) == (State.PENDING, NOW + 30 * DAY)


def test_a_signup_without_an_account_is_about_its_customer() -> None:
    shop = Shop([FOLLOW_UP])
    event = shop.signup("S-1", email="Jana@Example.com")
    del event["account_id"]
    shop.translate(event)
    occasion = customer_key("jana@example.com", SECRET)
    (found,) = shop.invitations(key(occasion, "after-signup", "signup"))
    assert found.customer == who("jana@example.com")


def test_nobody_wants_some_events() -> None:
    shop = Shop([FOLLOW_UP])
    counts = shop.translate(shop.purchase("A-1"))
    assert counts == Counter({"event.purchase": 1, "unwanted": 1})
    assert shop.ledger.read_customers([who("a-1@example.com")]) == {}


def test_one_event_may_lead_to_two_campaigns() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    shop.translate(shop.purchase("A-1"))
    assert shop.provider.invited == ["a-1@example.com"] * 2


def test_a_refund_ends_what_waits() -> None:
    shop = Shop([LATER])
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.event("refund", order_id="A-1", amount="5.00"))
    assert counts["ended.refunded"] == 1
    shop.clock.pass_by(3 * HOUR)
    shop.sweep()
    assert shop.provider.calls == []


def test_a_refund_before_its_purchase_ends_it_too() -> None:
    shop = Shop([LATER, campaign("at-once")])
    shop.translate(shop.event("refund", order_id="A-1"))
    counts = shop.translate(shop.purchase("A-1"))
    assert counts["ended.refunded"] == 2
    assert shop.provider.calls == []


def test_a_purchase_and_its_refund_in_one_batch_invite_nobody() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"), shop.event("refund", order_id="A-1"), shop.purchase("A-2"))
    assert shop.provider.invited == ["a-2@example.com"]


def test_a_partial_refund_keeps_or_cancels_as_the_campaign_says() -> None:
    strict = campaign("strict", delay="PT2H", on_partial_refund="cancel")
    shop = Shop([LATER, strict])
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.event("refund", order_id="A-1", partial=True))
    assert counts["ended.partially_refunded"] == 1
    kept, ended = shop.invitations(key("A-1"), key("A-1", "strict"))
    assert (kept.state, ended.state) == (State.PENDING, State.ENDED)


def test_the_whole_refund_of_a_batch_outweighs_its_parts() -> None:
    shop = Shop([LATER])
    shop.translate(shop.purchase("A-1"))
    part = shop.event("refund", order_id="A-1", partial=True)
    shop.translate(part, shop.event("refund", order_id="A-1"), part)
    (found,) = shop.invitations(key("A-1"))
    assert found.reason == "refunded"


def test_a_cancelled_order_or_account_ends_what_waits() -> None:
    shop = Shop([LATER, FOLLOW_UP])
    shop.translate(shop.purchase("A-1"), shop.signup("S-1"))
    counts = shop.translate(
        shop.event("cancellation", order_id="A-1"), shop.event("cancellation", account_id="S-1")
    )
    assert counts["ended.cancelled"] == 2


def test_a_refund_of_what_was_sent_changes_nothing() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.event("refund", order_id="A-1"))
    assert counts == Counter({"event.refund": 1})


def test_another_shop_s_refund_changes_nothing() -> None:
    shop = Shop([LATER])
    shop.translate(shop.purchase("A-1"))
    shop.translate(shop.event("refund", order_id="A-1") | {"shop": "another"})
    assert shop.invitations(key("A-1"))[0].state is State.PENDING


def test_who_unsubscribes_is_asked_no_more() -> None:
    shop = Shop([LATER, FOLLOW_UP])
    shop.translate(
        shop.purchase("A-1", email="jana@example.com"),
        shop.signup("S-1", email="JANA@example.com"),
    )
    counts = shop.translate(shop.event("unsubscribe", email="Jana@example.com"))
    assert counts["ended.unsubscribed"] == 2
    later = shop.translate(shop.purchase("A-2", email="jana@example.com"))
    assert later["ended.unsubscribed"] == 1
    assert shop.provider.calls == []


def test_one_shop_s_unsubscription_is_none_of_another_s() -> None:
    shop = Shop([LATER, campaign("elsewhere", shop="another", delay="PT2H")])
    other = shop.purchase("A-2", email="jana@example.com") | {"shop": "another"}
    shop.translate(shop.purchase("A-1", email="jana@example.com"), other)
    counts = shop.translate(shop.event("unsubscribe", email="jana@example.com"))
    assert counts["ended.unsubscribed"] == 1
    shop.clock.pass_by(3 * HOUR)
    assert shop.sweep()["sent"] == 1


def test_an_erasure_forgets_the_person_and_an_older_event_brings_nothing_back() -> None:
    shop = Shop([LATER])
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    counts = shop.translate(shop.event("erasure", email="jana@example.com"))
    assert counts["ended.erased"] == 1
    again = shop.translate(shop.purchase("A-0", email="jana@example.com", ago=HOUR))
    assert again["ended.erased"] == 1
    person = shop.ledger.read_customers([who("jana@example.com")])
    assert [each.email for each in person.values()] == [None]


def test_an_old_event_ends_as_too_old() -> None:
    shop = Shop()
    counts = shop.translate(shop.purchase("A-1", ago=91 * DAY))
    assert counts["ended.too_old"] == 1
    assert shop.provider.calls == []


def test_a_dry_run_decides_everything_and_calls_nobody() -> None:
    shop = Shop([campaign(mode="dry_run")])
    counts = shop.translate(shop.purchase("A-1"))
    assert counts["ended.dry_run"] == 1
    assert shop.provider.calls == []


def test_an_allow_list_lets_its_own_pass() -> None:
    shop = Shop([campaign(mode="allow_list", allow_list=["@example.com"])])
    counts = shop.translate(shop.purchase("A-1"), shop.purchase("A-2", email="x@example.org"))
    assert shop.provider.invited == ["a-1@example.com"]
    assert counts["ended.not_on_allow_list"] == 1


def test_what_cannot_be_sent_at_once_stays_due() -> None:
    shop = Shop()
    shop.provider.outcomes.append(Retry("http_429", after=90, whole_account=True))
    assert shop.translate(shop.purchase("A-1"))["released"] == 1
    assert shop.translate(shop.purchase("A-2"))["blocked.provider_paused"] == 1
    shop.clock.pass_by(90)
    shop.sweep()
    assert sorted(shop.provider.invited) == ["a-1@example.com", "a-2@example.com"]
    assert len(shop.provider.calls) == 2


def test_a_customer_with_two_orders_is_in_two_calls() -> None:
    shop = Shop()
    shop.translate(*(shop.purchase(order, email="jana@example.com") for order in ("A-1", "A-2")))
    assert shop.provider.calls == [["jana@example.com"]]
    shop.sweep()
    assert shop.provider.calls == [["jana@example.com"]] * 2


@pytest.mark.parametrize("together", [True, False])
def test_what_a_newer_event_leaves_out_stays_whether_or_not_both_come_at_once(
    *, together: bool
) -> None:
    shop = Shop([campaign(delay="PT1H"), campaign("signups", event="signup", delay="PT1H")])
    named = shop.purchase("A-1", ago=60)
    nameless = shop.signup("S-1", "a-1@example.com")
    for events in [[named, nameless]] if together else [[named], [nameless]]:
        shop.translate(*events)
    (waiting,) = shop.invitations(key("A-1"))
    (known,) = shop.ledger.read_customers([waiting.customer]).values()
    assert (known.name, known.seen_at) == ("Jana", shop.clock())
