"""A pause defers and loses nothing: whichever way an invitation would have gone out, it waits."""

from __future__ import annotations

from typing import Any

import pytest

from afterword.remembering.pauses import EVERYTHING, Pause, of_account, of_campaign
from afterword.remembering.records import State
from afterword.sending.provider import Uncertain
from tests.support.samples import DAY, HOUR, campaign, key
from tests.support.shop import Shop

NAMES = [EVERYTHING, of_account("shop"), of_campaign("after-purchase")]
OTHERS = [of_account("other"), of_campaign("other"), "shop", "after-purchase"]


def paused(name: str, until: int | None = None, **changes: Any) -> Shop:
    shop = Shop([campaign(expires_after="P2D", **changes)])
    shop.ledger.put_pause(name, Pause(shop.clock(), until and shop.clock() + until))
    return shop


@pytest.mark.parametrize("name", NAMES)
def test_what_is_paused_waits_and_goes_out_once_it_is_resumed(name: str) -> None:
    shop = paused(name)
    counts = shop.translate(shop.purchase())
    assert counts["blocked.paused"] == 1
    shop.clock.pass_by(DAY)
    assert shop.sweep() == {"blocked_lanes": 1}
    assert shop.provider.calls == []
    shop.ledger.end_pause(name)
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["a-1@example.com"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_pause_of_something_else_stops_nothing(name: str) -> None:
    shop = paused(name)
    assert shop.translate(shop.purchase())["sent"] == 1


def test_a_pause_ends_by_itself() -> None:
    shop = paused(EVERYTHING, until=HOUR)
    shop.translate(shop.purchase())
    shop.clock.pass_by(HOUR - 1)
    assert shop.sweep()["sent"] == 0
    shop.clock.pass_by(1)
    assert shop.sweep()["sent"] == 1


@pytest.mark.parametrize("longer", NAMES)
def test_of_several_pauses_all_must_be_over(longer: str) -> None:
    shop = paused(EVERYTHING, until=HOUR)
    for name in NAMES:
        until = shop.clock() + (2 * HOUR if name == longer else HOUR)
        shop.ledger.put_pause(name, Pause(shop.clock(), until))
    shop.translate(shop.purchase())
    shop.clock.pass_by(2 * HOUR - 1)
    assert shop.sweep()["sent"] == 0
    shop.clock.pass_by(1)
    assert shop.sweep()["sent"] == 1


def test_what_expires_while_it_is_paused_is_sent_to_nobody() -> None:
    shop = paused(EVERYTHING)
    shop.translate(shop.purchase())
    shop.clock.pass_by(2 * DAY + 1)
    shop.ledger.end_pause(EVERYTHING)
    assert shop.sweep()["ended.expired"] == 1
    assert shop.provider.calls == []


def test_who_leaves_during_a_pause_is_not_asked_after_it() -> None:
    shop = paused(EVERYTHING)
    shop.translate(shop.purchase())
    shop.translate(shop.event("unsubscribe", email="a-1@example.com"))
    assert shop.invitations(key())[0].reason == "unsubscribed"


def test_a_paused_dry_run_stays_as_it_is() -> None:
    shop = paused(of_campaign("after-purchase"), delay="PT2H", mode="dry_run")
    shop.translate(shop.purchase())
    shop.clock.pass_by(3 * HOUR)
    assert shop.sweep() == {"blocked_lanes": 1}
    assert shop.invitations(key())[0].state is State.PENDING
    shop.ledger.end_pause(of_campaign("after-purchase"))
    assert shop.sweep()["ended.dry_run"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_call_in_doubt_is_not_repeated_while_it_is_paused(name: str) -> None:
    shop = Shop([campaign()])
    shop.provider.outcomes.append(Uncertain("http_502"))
    assert shop.translate(shop.purchase())["uncertain"] == 1
    shop.ledger.put_pause(name, Pause(shop.clock()))
    shop.clock.pass_by(HOUR)
    shop.sweep()
    assert len(shop.provider.calls) == 1
    shop.ledger.end_pause(name)
    shop.clock.pass_by(HOUR // 4)
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["a-1@example.com"]
