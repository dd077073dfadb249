"""A story has all that the ledger knows, in order; what it says will come is what then comes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.rules import Reason, StopMark
from afterword.operating.foretelling import NOTHING
from afterword.operating.reasons import in_words
from afterword.operating.stories import Told, tell
from afterword.remembering.pauses import Pause, of_campaign
from afterword.remembering.records import AccountState, BatchState, Claim, Leaving, Move, State
from afterword.sending.provider import Retry, Uncertain
from tests.support.desk import ref
from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    batch,
    campaign,
    customer,
    invitation,
    key,
    occasion,
)
from tests.support.shop import Shop

if TYPE_CHECKING:
    from afterword.operating.stories import Story

EMAIL = "a-1@example.com"
SOON = "2027-01-15T10:00:00Z"


def shop_with(*events: Any, **changes: Any) -> Shop:
    shop = Shop([campaign(**{"delay": "PT2H"} | changes)])
    shop.translate(*(events or (shop.purchase(),)))
    return shop


def told(shop: Shop, order: str = "A-1") -> Told:
    campaigns = {each.id: each for each in shop.campaigns}
    return tell(shop.ledger, [key(order)], [], campaigns, shop.clock())


def story(shop: Shop, order: str = "A-1") -> Story:
    (found,) = told(shop, order).stories
    return found


def whats(found: Story) -> list[str]:
    return [each.what for each in found.lines]


def test_what_waits_is_said_to_be_sent_and_then_is() -> None:
    shop = shop_with()
    found = story(shop)
    assert [each.at for each in found.lines] == [NOW, NOW + 2 * HOUR]
    assert found.then == f"It is sent by the first sweep after {SOON}."
    shop.clock.pass_by(2 * HOUR)
    shop.sweep()
    assert shop.provider.invited == [EMAIL]
    sent = story(shop)
    assert "The provider accepted it as 1." in whats(sent)
    assert any("account shop, survey 1" in each for each in whats(sent))
    assert sent.then == "After 2027-01-15T10:10:00Z the provider is asked whether it went out."
    shop.clock.pass_by(600)
    shop.sweep()
    assert story(shop).then == NOTHING


def test_lines_are_in_order_of_time_and_what_has_none_is_last() -> None:
    shop = shop_with()
    shop.ledger.put_marks({occasion(): StopMark("refunded", NOW + 9, "5.00", partial=True)}, NOW)
    shop.clock.pass_by(2 * HOUR)
    shop.sweep()
    times = [each.at for each in story(shop).lines]
    assert times == sorted(times, key=lambda at: (at is None, at))
    assert times[-1] is None
    assert "A part of it was refunded (5.00): a stop mark." in whats(story(shop))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mode": "dry_run"}, Reason.DRY_RUN),
        ({"mode": "allow_list", "allow_list": ["@example.org"]}, Reason.NOT_ON_ALLOW_LIST),
        ({"starts_at": "2028-01-01T00:00:00Z"}, Reason.TOO_OLD),
        ({"event": "signup"}, Reason.CAMPAIGN_CHANGED),
    ],
)
def test_an_end_is_foretold_and_then_comes(changes: dict[str, Any], reason: Reason) -> None:
    shop = shop_with()
    shop.campaigns = [campaign(**{"delay": "PT2H"} | changes)]
    assert story(shop).then == (
        f"The first sweep after {SOON} ends it, unsent. {in_words(reason)}."
    )
    shop.clock.pass_by(2 * HOUR)
    shop.sweep()
    ended = story(shop)
    assert (ended.invitation.reason, ended.then) == (reason, NOTHING)
    assert whats(ended)[-1] == f"It ended. {in_words(reason)}."


def test_what_is_overdue_and_expires_is_foretold() -> None:
    shop = shop_with(expires_after="PT1H")
    shop.clock.pass_by(4 * HOUR)
    assert "2027-01-15T12:00:00Z ends it, unsent. expired" in story(shop).then


def test_a_customer_who_left_and_a_stop_mark_are_foretold() -> None:
    shop = shop_with()
    shop.ledger.put_marks({occasion(): StopMark("cancelled", NOW, None, partial=False)}, NOW)
    assert "cancelled" in story(shop).then
    shop.ledger.suppress([Leaving(ref(EMAIL), "unsubscribed", NOW)])
    assert "unsubscribed" in story(shop).then


def capped(when_capped: str) -> Shop:
    shop = shop_with(contact_cap={"period": "P1D", "when_capped": when_capped})
    shop.translate(shop.purchase("A-0", EMAIL, ago=2 * HOUR))
    assert shop.provider.invited == [EMAIL]
    shop.clock.pass_by(2 * HOUR)
    return shop


def test_a_contact_cap_that_defers_is_foretold_and_then_told() -> None:
    shop = capped("defer")
    before = story(shop).then
    assert before.startswith("It is sent by the first sweep after 2027-01-16T08:00:00Z.")
    assert "contact cap defers" in before
    shop.sweep()
    assert "Put off until then." in whats(story(shop))
    assert any("It waits again. capped" in each for each in whats(story(shop)))
    shop.clock.pass_by(DAY)
    shop.sweep()
    assert shop.provider.invited == [EMAIL] * 2


def test_a_contact_cap_that_drops_is_foretold_and_comes() -> None:
    shop = capped("drop")
    assert "ends it, unsent. capped" in story(shop).then
    shop.sweep()
    assert story(shop).invitation.reason == Reason.CAPPED


def test_a_pause_without_an_end_waits_for_a_person_and_one_with_an_end_for_that() -> None:
    shop = shop_with()
    shop.ledger.put_pause(of_campaign("after-purchase"), Pause(NOW))
    assert story(shop).then.startswith("It waits until somebody resumes. paused")
    shop.ledger.put_pause(of_campaign("after-purchase"), Pause(NOW, NOW + DAY))
    assert story(shop).then.startswith("It is sent by the first sweep after 2027-01-16T08:00:00Z.")


def test_a_provider_that_is_down_is_waited_for() -> None:
    shop = shop_with()
    way = shop.ledger.read_way("shop", 1)
    down = replace(way, account_state=AccountState(failures=3, not_before=NOW + 3 * HOUR))
    assert shop.ledger.swap_way(way, down)
    assert "after 2027-01-15T11:00:00Z. It waits until then. provider_paused" in story(shop).then


def test_a_campaign_that_is_gone_and_a_customer_without_address_are_told() -> None:
    shop = shop_with()
    shop.campaigns = []
    assert "no campaign of this name loads" in story(shop).then
    alone = Shop([campaign()])
    alone.ledger.create([invitation("A-1")], NOW)
    assert "tried without an address" in story(alone).then


def test_what_was_tried_and_came_back_says_so() -> None:
    shop = shop_with()
    (found,) = shop.invitations(key())
    shop.ledger.move([Move(found, State.PENDING, reason="no_address", attempts=2)])
    lines = whats(story(shop))
    assert "It was tried 2 times without success." in lines
    assert "It waits again. no_address: the ledger has no address of the customer." in lines


def test_what_is_held_names_the_command_that_resolves_it() -> None:
    shop = Shop([campaign()])
    shop.ledger.create(
        [invitation("A-1", state=State.HELD, reason="no_address", held_at=NOW + 5)], NOW
    )
    found = story(shop)
    assert "held resolve 'demo#purchase#A-1#after-purchase'" in found.then
    assert found.lines[-1].at == NOW + 5


@pytest.mark.parametrize(
    ("changes", "line", "then"),
    [
        ({"state": BatchState.CLAIMING}, "The call is being prepared.", "another takes over after"),
        ({"state": BatchState.CALLING}, "The call is under way.", "another takes over after"),
        (
            {"state": BatchState.UNCERTAIN, "reason": "killed_in_call"},
            (
                "Nobody knows yet whether the provider took it (killed_in_call: the function died while"
                " it called the provider)."
            ),
            "the provider is asked what became of the call",
        ),
        ({"state": BatchState.HELD}, "It is held for a person.", "afterword held resolve B1 --as"),
        ({"state": BatchState.SENT, "due": None}, "The provider accepted it.", NOTHING),
    ],
)
def test_each_state_of_a_call_is_told(changes: dict[str, Any], line: str, then: str) -> None:
    shop = Shop([campaign()])
    shop.ledger.create([invitation("A-1")], NOW)
    opened = batch("B1")
    shop.ledger.open_batch(opened, [key()])
    shop.ledger.claim(opened, [Claim(invitation("A-1"))], NOW)
    shop.ledger.change_batch(opened, replace(opened, **changes))
    found = story(shop)
    assert line in whats(found)
    assert then in found.then


def test_a_claim_whose_batch_is_gone_is_told() -> None:
    shop = Shop([campaign()])
    shop.ledger.create([invitation("A-1", state=State.CLAIMED, batch="B9")], NOW)
    assert story(shop).then.startswith("Its batch is gone")


def test_real_calls_that_get_lost_or_are_put_off_are_told() -> None:
    shop = shop_with()
    shop.provider.outcomes.extend([Retry("http_429", after=300), Uncertain("http_500")])
    shop.clock.pass_by(2 * HOUR)
    shop.sweep()
    assert "It waits again. http_429." in whats(story(shop))
    shop.clock.pass_by(400)
    shop.sweep()
    assert "the provider is asked what became of the call" in story(shop).then


def test_a_stop_mark_without_an_invitation_and_a_customer_alone_are_told() -> None:
    shop = Shop([campaign()])
    mark = StopMark("cancelled", NOW, None, partial=False)
    shop.ledger.put_marks({occasion("A-7"): mark}, NOW)
    assert told(shop, "A-7").marks == {occasion("A-7"): mark}
    assert told(shop, "A-7")
    assert not told(shop, "A-8")
    shop.ledger.remember_customers([customer("v1:x")], NOW)
    assert tell(shop.ledger, [], ["v1:x"], {}, NOW).customers.keys() == {"v1:x"}


def test_every_reason_of_an_end_has_words_and_others_are_left_as_they_are() -> None:
    assert [each for each in Reason if ": " not in in_words(each.value)] == []
    assert in_words("a provider's word") == "a provider's word"
    assert in_words(None) == "no reason is noted"
