"""From the claim to the recorded outcome, on the twin and a fake provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.deciding.customer_key import customer_key
from afterword.deciding.rules import StopMark
from afterword.remembering.records import BatchState, Leaving, State, customer_ref
from afterword.sending.claiming import Candidate
from afterword.sending.members import groups
from afterword.sending.provider import LAST_ID, Each, Refused, Retry, Seen, Sent, Uncertain
from afterword.sending.sender import Sender
from afterword.sending.ways import BREAKER_FAILURES
from tests.support.samples import DAY, HOUR, NOW, campaign, customer, invitation, key, occasion
from tests.support.shop import SECRET, Shop

if TYPE_CHECKING:
    from afterword.sending.provider import Outcome

LATER = campaign(delay="PT2H")


def shop_with(*orders: str, **changes: Any) -> Shop:
    """A shop whose purchases are due, and unsent yet."""
    shop = Shop([campaign(delay="PT2H", **changes)])
    shop.translate(*(shop.purchase(order) for order in orders))
    shop.clock.pass_by(2 * HOUR)
    return shop


def batch_of(shop: Shop, order: str) -> str:
    (found,) = shop.invitations(key(order))
    assert found.batch
    batch = shop.ledger.read_batch(found.batch)
    assert batch
    return batch.state


def test_a_refused_batch_is_halved_until_only_the_bad_one_ends() -> None:
    orders = [f"A-{number}" for number in range(8)]
    shop = shop_with(*orders)

    def refuse_the_bad_one(emails: list[str]) -> Outcome | None:
        return Refused("http_422") if "a-5@example.com" in emails else None

    shop.provider.outcomes.extend([refuse_the_bad_one] * 20)
    shop.sweep()
    assert sorted(shop.provider.invited) == [
        f"{order.lower()}@example.com" for order in orders if order != "A-5"
    ]
    (bad,) = shop.invitations(key("A-5"))
    assert (bad.state, bad.reason) == (State.ENDED, "refused")
    assert len(shop.provider.calls) == 1 + 2 + 2 + 2


def test_a_refused_person_may_be_asked_again_by_another_campaign() -> None:
    shop = shop_with("A-1")
    shop.provider.outcomes.append(Refused("http_422"))
    assert shop.sweep()["ended.refused"] == 1
    person = shop.ledger.read_customers([shop.invitations(key("A-1"))[0].customer])
    assert [each.last_at for each in person.values()] == [None]
    assert [each.suppressed for each in person.values()] == [None]


def test_when_many_are_refused_the_rest_is_held() -> None:
    shop = shop_with(*(f"A-{number}" for number in range(6)))
    shop.provider.outcomes.extend([Refused("http_422")] * 40)
    counts = shop.sweep()
    assert shop.provider.invited == []
    assert (counts["ended.refused"], counts["held"]) == (3, 3)


def test_a_refund_after_the_claim_s_decision_still_stops_the_call() -> None:
    shop = shop_with("A-1", "A-2")
    shop.ledger.put_marks({occasion("A-1"): StopMark("refunded", NOW, None, partial=False)}, NOW)
    counts = shop.sweep()
    assert shop.provider.invited == ["a-2@example.com"]
    assert counts["ended.refunded"] == 1
    person = shop.ledger.read_customers(
        [customer_ref("demo", customer_key("a-1@example.com", SECRET))]
    )
    assert [each.last_at for each in person.values()] == [None]


def test_who_left_since_is_turned_away_by_the_claim() -> None:
    shop = shop_with("A-1")
    candidate = Candidate(invitation("A-1"), customer("v1:A-1"))
    shop.ledger.create([candidate.invitation], NOW)
    stays = shop.invitations(key("A-1"))[0]
    shop.ledger.suppress([Leaving(stays.customer, "unsubscribed", NOW)])
    counts = shop.sender().send(shop.campaigns[0], [Candidate(stays, customer())], shop.clock())
    assert counts["ended.unsubscribed"] == 1
    assert shop.provider.calls == []
    assert shop.ledger.read_way("shop", 1).slot.holder is None


def test_a_capped_invitation_is_deferred_to_when_the_customer_is_free() -> None:
    shop = Shop([campaign(contact_cap={"period": "P30D"})])
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    counts = shop.translate(shop.purchase("A-2", email="jana@example.com"))
    assert counts["deferred"] == 1
    (second,) = shop.invitations(key("A-2"))
    assert (second.state, second.reason, second.due) == (State.PENDING, "capped", NOW + 30 * DAY)
    shop.clock.pass_by(30 * DAY)
    shop.sweep()
    assert shop.provider.invited == ["jana@example.com"] * 2


def test_a_capped_invitation_is_dropped_where_the_campaign_says_so() -> None:
    shop = Shop([campaign(contact_cap={"period": "P30D", "when_capped": "drop"})])
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    assert shop.translate(shop.purchase("A-2", email="jana@example.com"))["ended.capped"] == 1


def test_a_refused_connection_is_tried_again_and_nobody_is_asked_twice() -> None:
    shop = shop_with("A-1")
    shop.provider.outcomes.append(Retry("unreachable", outage=True))
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["a-1@example.com"]


def test_an_outage_opens_the_breaker_and_the_lane_is_left_alone() -> None:
    shop = shop_with("A-1")
    shop.provider.outcomes.extend([Retry("unreachable", outage=True)] * 9)
    shop.sweep()
    calls = len(shop.provider.calls)
    assert calls == 3
    assert shop.sweep()["blocked_lanes"] == 1
    assert len(shop.provider.calls) == calls
    shop.clock.pass_by(30)
    shop.provider.outcomes.clear()
    assert shop.sweep()["sent"] == 1


def test_an_uncertain_call_is_not_simply_sent_again() -> None:
    shop = shop_with("A-1")
    shop.provider.outcomes.append(Uncertain("http_502"))
    assert shop.sweep()["uncertain"] == 1
    shop.sweep()
    assert len(shop.provider.calls) == 1
    assert batch_of(shop, "A-1") == BatchState.UNCERTAIN


def test_nothing_is_claimed_when_no_time_is_left() -> None:
    shop = shop_with("A-1")
    sender = Sender(
        shop.ledger, lambda _: shop.provider, shop.clock, lambda: "B9", shop.clock() + 5
    )
    found = shop.invitations(key("A-1"))
    person = shop.ledger.read_customers([found[0].customer])[found[0].customer]
    counts = sender.send(shop.campaigns[0], [Candidate(found[0], person)], shop.clock())
    assert counts == {"blocked.out_of_time": 1}
    assert shop.ledger.read_batch("B9") is None


def test_time_that_runs_out_while_claiming_gives_everything_back() -> None:
    shop = shop_with("A-1")
    found = shop.invitations(key("A-1"))
    person = shop.ledger.read_customers([found[0].customer])[found[0].customer]
    moments = iter([0, 0, 100, 100, 100])
    sender = Sender(
        shop.ledger,
        lambda _: shop.provider,
        lambda: NOW + next(moments),
        lambda: "B9",
        NOW + 60,
    )
    counts = sender.send(shop.campaigns[0], [Candidate(found[0], person)], NOW)
    assert counts == {"released": 1}
    assert shop.provider.calls == []
    assert shop.ledger.due("after-purchase", shop.clock(), 5) == [key("A-1")]
    assert shop.ledger.read_way("shop", 1).slot.holder is None


def test_a_broken_account_leaves_its_invitations_due() -> None:
    shop = shop_with("A-1")

    def broken(name: str) -> object:
        raise AccountError(name, ("base_url: is missing",))

    sender = Sender(shop.ledger, broken, shop.clock, lambda: "B9", shop.clock() + 120)  # type: ignore[arg-type]  # raises
    found = shop.invitations(key("A-1"))
    counts = sender.send(shop.campaigns[0], [Candidate(found[0], customer())], shop.clock())
    assert counts == {"blocked.broken_account": 1}
    assert shop.ledger.due("after-purchase", shop.clock(), 5) == [key("A-1")]


def test_without_replay_the_highest_id_is_noted_before_the_call() -> None:
    shop = shop_with("A-1")
    shop.provider.replays_key = False
    shop.provider.accept(["somebody@example.org"], "by hand")
    shop.sweep()
    (found,) = shop.invitations(key("A-1"))
    batch = shop.ledger.read_batch(found.batch or "")
    assert batch
    assert (batch.after_id, batch.provider_id) == (1, 2)


def test_a_survey_that_cannot_be_listed_is_not_called() -> None:
    shop = shop_with("A-1")
    shop.provider.replays_key = False
    shop.provider.unreachable = Retry("http_404")
    counts = shop.sweep()
    assert counts["released"] == 1
    assert shop.provider.calls == []
    assert shop.ledger.read_way("shop", 1).slot.not_before > shop.clock()


def test_a_call_takes_as_many_as_the_provider_does() -> None:
    shop = shop_with(*(f"A-{number}" for number in range(25)))
    shop.provider.most_recipients = 10
    shop.sweep()
    assert [len(call) for call in shop.provider.calls] == [10, 10, 5]


def test_an_answer_without_an_id_is_sent_all_the_same() -> None:
    shop = shop_with("A-1")
    shop.provider.outcomes.append(Sent(None))
    shop.sweep()
    assert batch_of(shop, "A-1") == BatchState.SENT
    shop.clock.pass_by(DAY)
    shop.sweep()
    assert len(shop.provider.calls) == 1


def test_groups_hold_each_customer_once_and_no_more_than_a_refusal_allows() -> None:
    def candidate(order: str, who: str, limit: int | None = None) -> Candidate:
        return Candidate(invitation(order, batch_limit=limit), customer(f"v1:{who}"))

    given = [
        candidate("A-1", "jana"),
        candidate("A-2", "petr", 2),
        candidate("A-3", "jana"),
        candidate("A-4", "eva", 2),
        candidate("A-5", "ivo", 2),
        candidate("A-6", "ota"),
    ]
    found = [[each.invitation.key.occasion.id for each in group] for group in groups(given, 10)]
    assert found == [["A-2", "A-4"], ["A-5"], ["A-1", "A-6"]]


def open_breaker(shop: Shop) -> None:
    known = shop.ledger.read_way("shop", 1)
    broken = replace(known.account_state, failures=BREAKER_FAILURES)
    shop.ledger.swap_way(known, replace(known, account_state=broken))


def test_an_open_breaker_s_probe_looks_before_it_calls() -> None:
    shop = Shop()
    open_breaker(shop)
    shop.provider.unreachable = Retry("no answer: time-out", outage=True)
    shop.translate(shop.purchase("A-1"))
    assert (shop.provider.look_ups, shop.provider.calls) == (1, [])
    way = shop.ledger.read_way("shop", 1)
    assert way.account_state.failures == BREAKER_FAILURES + 1
    assert way.account_state.not_before > shop.clock()


@pytest.mark.parametrize("replays", [True, False])
def test_a_probe_asks_for_a_whole_list_only_where_its_highest_id_is_wanted(
    monkeypatch: pytest.MonkeyPatch, *, replays: bool
) -> None:
    """A survey's list may take longer than a call may: then no probe would ever find the end of an outage."""
    shop = Shop()
    shop.provider.replays_key = replays
    open_breaker(shop)
    above: list[int] = []

    def look(survey: int, after_id: int) -> list[Seen]:
        above.append(after_id)
        return [Seen(7 * survey, 0, None, None)] if after_id < LAST_ID else []

    monkeypatch.setattr(shop.provider, "list_after", look)
    assert shop.translate(shop.purchase("A-1"))["sent"] == 1
    assert above == [LAST_ID if replays else 0]
    (invitation,) = shop.invitations(key("A-1"))
    batch = shop.ledger.read_batch(invitation.batch or "")
    assert batch
    assert batch.after_id == (None if replays else 7)


def test_an_open_breaker_s_probe_is_one_person_where_nobody_can_be_asked() -> None:
    shop = Shop()
    open_breaker(shop)
    shop.provider.one_by_one = True
    shop.provider.outcomes.append(Each((Uncertain("no answer"),)))
    people = {order: {"email": f"{order}@example.com", "token": order} for order in ("A-1", "A-2")}
    bought = [shop.event("purchase", order_id=each, customer=people[each]) for each in people]
    counts = shop.translate(*bought)
    assert (counts["held"], counts["blocked.provider_paused"]) == (1, 1)
