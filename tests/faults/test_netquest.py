"""What Netquest's webhooks can say, and not say: one call per person, and nobody to ask afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.faults import refusing
from tests.support.samples import DAY
from tests.support.servers import Exchange, close, reply, reset, silence

if TYPE_CHECKING:
    from tests.support.running import Running
    from tests.support.servers import Answer


def error(message: str, status: int = 200) -> Answer:
    return reply(status, {"type": "error", "msg": message})


def one_fault(running: Running, person: str, answer: Answer) -> Answer:
    """Treat this person's call like this, and the others well."""

    def treat(exchange: Exchange) -> None:
        asked = person in exchange.request.body.decode()
        (answer if asked else running.provider.serve)(exchange)

    return treat


def people(running: Running, count: int = 3) -> list[str]:
    return [running.purchase(f"A-{number}") for number in range(count)]


SINGLE = {
    "Respondents not found": "ended.respondent_not_found",
    "token not found": "ended.token_not_found",
    "A new error that nobody knows": "held.netquest: A new error that nobody knows",
}


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("message", SINGLE)
def test_an_error_concerns_its_own_person_whatever_the_status(
    running: Running, message: str, status: int
) -> None:
    running.netquest()
    running.provider.will(*[one_fault(running, "a-1%40", error(message, status))] * 6)
    running.deliver(*people(running))
    assert running.by_order == {"A-0": "sent", "A-1": SINGLE[message], "A-2": "sent"}
    metric = "InvitationsHeld" if message.startswith("A new") else "InvitationsEnded"
    assert running.told[metric] == 1


def test_who_has_unsubscribed_there_is_never_asked_again_by_any_campaign(running: Running) -> None:
    running.netquest()
    running.provider.leave("a-1@example.com")
    running.deliver(running.purchase("A-1"))
    assert running.states == {"ended.respondent_not_found": 1}
    again = running.purchase("A-2", customer={"email": "a-1@example.com"})
    running.deliver(again)
    assert running.states == {"ended.respondent_not_found": 2}
    assert len(running.provider.asked) == 1


@pytest.mark.parametrize(("period", "days"), [("day", 1), ("month", 17)])
def test_a_quota_that_is_used_up_closes_the_account_until_its_next_period(
    running: Running, period: str, days: int
) -> None:
    """It is 15 January, eight o'clock."""
    running.netquest(account={"quota_period": period})
    running.provider.allow(1)
    running.deliver(*people(running, 3))
    assert running.states == {"sent": 1, "pending": 2}
    begins = running.clock() - 8 * 3600 + days * DAY
    assert running.way.account_state.not_before == begins
    assert running.told["InvitationsReleased"] == 2
    assert "account shop: quota" in running.heard
    asked = len(running.provider.asked)
    assert running.sweep_after(begins - running.clock() - 1)["blocked_lanes"] == 1
    assert len(running.provider.asked) == asked
    running.provider.allow(100)
    assert running.sweep_after(1)["sent"] == 2


LOST: dict[str, Answer] = {
    "500": reply(500),
    "502": reply(502, b"<html>Bad gateway</html>"),
    "503": reply(503),
    "504": reply(504),
    "closed": close,
    "reset": reset,
    "a page": reply(200, b"<html>Thank you</html>"),
    "no type": reply(200, {"ok": True}),
    "nothing": reply(200),
}


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        *((name, "hold") for name in LOST),
        *((name, "resend") for name in ("502", "reset", "a page")),
    ],
)
def test_a_lost_answer_is_held_or_sent_again_as_the_campaign_says(
    running: Running, name: str, policy: str
) -> None:
    """Not processed here, so that the policy "resend" asks nobody twice; it can't know that."""
    running.netquest(when_uncertain=policy)
    running.provider.will(*[one_fault(running, "a-1%40", LOST[name])] * 3)
    running.deliver(*people(running))
    if policy == "resend":
        running.provider.planned.clear()
        assert running.state("A-1") == "pending"
        running.settle()
    assert running.state("A-1").startswith("held." if policy == "hold" else "sent")
    assert [running.state(order) for order in ("A-0", "A-2")] == ["sent", "sent"]
    assert running.told["InvitationsHeld"] == (1 if policy == "hold" else 0)


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
def test_an_answer_that_does_not_come_in_time_is_held(running: Running, *, accepted: bool) -> None:
    running.netquest()
    door = running.provider
    slow = door.slowly(silence)
    door.will(door.processed(slow) if accepted else slow)
    with running.giving_up(door.reached):
        running.deliver(running.purchase())
    assert running.states == {"held.no answer: time-out": 1}


@pytest.mark.parametrize("when_uncertain", ["hold", "resend"])
def test_what_never_arrived_is_due_again(running: Running, when_uncertain: str) -> None:
    with refusing() as url:
        running.netquest(account={"base_url": url}, when_uncertain=when_uncertain)
        running.deliver(*people(running))
        assert running.states == {"pending": 3}
    running.netquest(when_uncertain=when_uncertain)
    running.new_instances()
    running.settle()
    assert running.states == {"sent": 3}


@pytest.mark.parametrize(
    "answer",
    [error("Unauthorized"), reply(401), reply(403), error("Unauthorized", 401)],
    ids=["said", "401", "403", "both"],
)
def test_a_refused_secret_opens_the_breaker_and_nobody_is_held(
    running: Running, answer: Answer
) -> None:
    running.netquest()
    running.provider.will(*[answer] * 9)
    running.deliver(*people(running))
    assert running.states == {"pending": 3}
    assert running.way.account_state.failures == 3
    assert "account shop: credentials" in running.heard
    running.provider.planned.clear()
    running.settle()
    assert running.states == {"sent": 3}


def test_a_secret_that_was_rotated_is_read_once_past_the_cache(running: Running) -> None:
    running.netquest()
    running.deliver(running.purchase("A-1"))
    running.rotate_webhook("rotated-key")
    running.deliver(running.purchase("A-2"))
    assert running.states == {"sent": 2}


def test_a_429_holds_up_the_account(running: Running) -> None:
    running.netquest()
    running.provider.will(*[reply(429, headers={"Retry-After": "120"})] * 3)
    running.deliver(*people(running))
    assert running.states == {"pending": 3}
    assert running.way.account_state.not_before == running.clock() + 120
    assert running.sweep_after(120)["sent"] == 3


@pytest.mark.parametrize("what", ["Survey not found", "Template not found"])
def test_a_wrong_survey_or_template_is_nobodys_fault_but_the_campaigns(
    running: Running, what: str
) -> None:
    running.netquest()
    running.provider.will(*[error(what)] * 3)
    running.deliver(*people(running))
    assert running.states == {"pending": 3}
    running.settle()
    assert running.states == {"sent": 3}


def test_where_many_are_refused_they_are_held(running: Running) -> None:
    running.netquest()
    running.provider.will(*[error("token not found")] * 8)
    running.deliver(*people(running, 8))
    assert running.states == {"held.too_many_refused": 8}
    assert running.told["InvitationsHeld"] == 8
