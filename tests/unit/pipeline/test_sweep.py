from __future__ import annotations

from dataclasses import replace

from afterword.remembering.records import Customer, State
from afterword.sending.mending import Mender
from afterword.standing import Standing
from afterword.sweep import OVERDUE_AFTER, Sweep
from tests.support.samples import DAY, HOUR, NOW, campaign, invitation, key
from tests.support.shop import Shop

FOLLOW_UP = campaign("after-signup", event="signup", delay="P30D", expires_after="P14D")


def signed_up(*accounts: str) -> Shop:
    shop = Shop([FOLLOW_UP])
    shop.translate(*(shop.signup(account) for account in accounts))
    return shop


def test_a_follow_up_goes_out_when_its_day_has_come_and_once() -> None:
    shop = signed_up("S-1")
    assert shop.sweep(NOW + 30 * DAY - 1)["sent"] == 0
    assert shop.sweep(NOW + 30 * DAY)["sent"] == 1
    assert not shop.sweep(NOW + 30 * DAY)
    assert shop.provider.invited == ["s-1@example.com"]


def test_business_time_may_run_ahead_of_the_wall_clock() -> None:
    shop = signed_up("S-1")
    shop.sweep(NOW + 30 * DAY)
    assert shop.clock() == NOW
    assert shop.provider.accepted[0].created_at == NOW


def test_a_missed_day_is_made_up_for() -> None:
    shop = signed_up("S-1", "S-2")
    assert shop.sweep(NOW + 31 * DAY)["sent"] == 2
    assert len(shop.provider.calls) == 1


def test_a_follow_up_that_comes_too_late_expires() -> None:
    shop = signed_up("S-1")
    assert shop.sweep(NOW + 44 * DAY + 1)["ended.expired"] == 1
    assert shop.provider.calls == []


def test_what_put_an_invitation_off_does_not_put_its_expiry_off() -> None:
    capped = {"period": "P30D"}
    shop = Shop([campaign(contact_cap=capped, expires_after="P14D")])
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    shop.translate(shop.purchase("A-2", email="jana@example.com"))
    shop.clock.pass_by(30 * DAY)
    assert shop.sweep()["ended.expired"] == 1


def test_a_shorter_delay_does_not_expire_what_waited_for_the_longer_one() -> None:
    shop = signed_up("S-1")
    shop.campaigns = [FOLLOW_UP.model_copy(update={"delay": FOLLOW_UP.delay / 30})]
    assert shop.sweep(NOW + 30 * DAY)["sent"] == 1


def test_rules_are_checked_again_when_an_invitation_is_due() -> None:
    shop = signed_up("S-1")
    shop.campaigns = [campaign("after-signup", event="signup", delay="P30D", mode="dry_run")]
    assert shop.sweep(NOW + 30 * DAY)["ended.dry_run"] == 1


def test_a_refund_that_only_left_its_mark_stops_the_follow_up() -> None:
    shop = signed_up("S-1")
    shop.translate(shop.event("cancellation", account_id="S-1"))
    (found,) = shop.invitations(key("S-1", "after-signup", "signup"))
    assert (found.state, found.reason) == (State.ENDED, "cancelled")


def test_a_row_without_an_address_is_held_after_five_looks_and_the_others_go_on() -> None:
    shop = signed_up("S-1")
    lost = invitation("S-2", campaign="after-signup", kind="signup", due=NOW)
    shop.ledger.create([lost], NOW)
    now = NOW + 30 * DAY
    for _ in range(5):
        shop.sweep(now)
        now += HOUR
    (found,) = shop.invitations(lost.key)
    assert (found.state, found.reason, found.attempts) == (State.HELD, "no_address", 5)
    assert shop.provider.invited == ["s-1@example.com"]


def test_two_sweeps_at_once_invite_once() -> None:
    shop = signed_up("S-1", "S-2", "S-3")
    now = NOW + 30 * DAY
    times, due = shop.ledger.due_times("after-signup", 10), shop.ledger.due("after-signup", now, 10)
    read = shop.ledger.read_invitations(due)
    shop.sweep(now)
    shop.ledger.due_times = lambda *_: times  # type: ignore[method-assign]  # an index that lags behind
    shop.ledger.due = lambda *_: due  # type: ignore[method-assign]  # as before
    shop.ledger.read_invitations = lambda keys: read if keys else {}  # type: ignore[method-assign]  # read before the other one's claim
    shop.sweep(now)
    assert sorted(shop.provider.invited) == [f"s-{number}@example.com" for number in (1, 2, 3)]


def test_campaigns_go_in_the_order_that_the_run_shuffled() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    for name in ("one", "two"):
        row = invitation("A-1", campaign=name, customer=f"v1:{name}")
        shop.ledger.create([row], NOW)
        shop.ledger.remember_customers([Customer(f"v1:{name}", email=f"{name}@example.com")], NOW)
    sweep = Sweep(
        shop.ledger,
        shop.sender(),
        mender=Mender(shop.ledger, lambda _: shop.provider, {}, shop.clock, NOW + 120),
        clock=shop.clock,
        deadline=NOW + 120,
        shuffled=lambda campaigns: list(reversed(campaigns)),
    )
    sweep.run(shop.campaigns, NOW)
    assert shop.provider.invited == ["two@example.com", "one@example.com"]


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next() -> None:
    shop = signed_up("S-1")
    now = NOW + 30 * DAY
    sweep = Sweep(
        shop.ledger,
        shop.sender(),
        mender=Mender(shop.ledger, lambda _: shop.provider, {}, shop.clock, NOW + 120),
        clock=shop.clock,
        deadline=NOW + 30,
        shuffled=lambda campaigns: campaigns,
    )
    assert not sweep.run(shop.campaigns, now)
    assert shop.sweep(now)["sent"] == 1


def test_overdue_counts_what_should_have_gone_out_a_while_ago() -> None:
    shop = signed_up("S-1")
    standing = Standing(shop.ledger, shop.provider_of, shop.campaigns)
    due = NOW + 30 * DAY
    assert standing.overdue(due + OVERDUE_AFTER - 1) == 0
    assert standing.overdue(due + OVERDUE_AFTER) == 1
    without = Standing(shop.ledger, shop.provider_of, [])
    assert without.overdue(due + OVERDUE_AFTER) == 1, "a deleted campaign's would be forgotten"


def test_a_campaign_that_is_out_of_its_way_stops_no_other() -> None:
    shop = Shop([campaign("one"), campaign("two", survey=2)])
    for name in ("one", "two"):
        row = invitation("A-1", campaign=name, customer=f"v1:{name}")
        shop.ledger.create([row], NOW)
        shop.ledger.remember_customers([Customer(f"v1:{name}", email=f"{name}@example.com")], NOW)
    way = shop.ledger.read_way("shop", 1)
    paused = replace(way, slot=replace(way.slot, not_before=NOW + 60))
    shop.ledger.swap_way(way, paused)
    counts = shop.sweep()
    assert (counts["blocked_lanes"], counts["sent"]) == (1, 1)
    assert shop.provider.invited == ["two@example.com"]
