"""Each answer of an NPS provider, and each way of losing one: what becomes of the invitation, and who may go next."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from afterword.sending import http
from tests.support.invitation_service import basic
from tests.support.running import SECRET
from tests.support.servers import (
    Answer,
    Exchange,
    close,
    raw,
    reply,
    reset,
    silence,
    stalled_body,
    trickling_body,
    trickling_headers,
    truncated,
)

if TYPE_CHECKING:
    from tests.support.running import Running

MINUTE = 60
WAY_SAYS_LATER = {"pending": 1}

# Nobody can know whether it was processed: both are tried.
LOST: dict[str, Answer] = {
    "500": reply(500),
    "502": reply(502, b"<html>Bad gateway</html>"),
    "503 without a word": reply(503),
    "504": reply(504),
    "408": reply(408),
    "closed": close,
    "reset": reset,
    "half a status": raw(b"HTTP/1.1 20"),
    "early hints only": raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}
SLOW: dict[str, Answer] = {"silence": silence, "slow headers": trickling_headers}


def speak(running: Running, dialect: str) -> None:
    """Let the provider repeat its answer under a key, or else it has to be looked at."""
    if dialect == "no keys":
        running.without_keys()


def as_told(running: Running, answer: Answer, *, accepted: bool) -> Answer:
    return running.provider.processed(answer) if accepted else answer


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        *(("keys", name) for name in LOST),
        *(("no keys", name) for name in ("502", "closed", "reset")),
    ],
)
def test_a_lost_answer_is_in_doubt_until_the_provider_has_been_asked(
    running: Running, dialect: str, name: str, *, accepted: bool
) -> None:
    speak(running, dialect)
    running.provider.will(as_told(running, LOST[name], accepted=accepted))
    assert running.deliver(running.purchase()) == []
    assert running.states == {"uncertain": 1}
    assert running.told["InvitationsUncertain"] == 1
    assert "account shop: " in running.heard
    # Who was not processed the first time is asked for again by the replay, or by a new call after two looks.
    running.settle()
    assert running.states == {"sent": 1}
    assert running.provider.books == {"a-1@example.com": 1}
    asked_once = dialect == "no keys" and accepted
    assert len(running.provider.asked) == (1 if asked_once else 2)
    if dialect == "keys":
        first, second = running.provider.asked
        assert first.body == second.body
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
@pytest.mark.parametrize("dialect", ["keys", "no keys"])
@pytest.mark.parametrize("name", SLOW)
def test_an_answer_that_does_not_come_in_time_is_a_lost_one(
    running: Running, dialect: str, name: str, *, accepted: bool
) -> None:
    speak(running, dialect)
    door = running.provider
    door.will(as_told(running, door.slowly(SLOW[name]), accepted=accepted))
    with running.giving_up(door.reached, after_calls=0 if dialect == "keys" else 1):
        running.deliver(running.purchase())
    assert running.states == {"uncertain": 1}
    running.settle()
    assert running.states == {"sent": 1}


def test_three_lost_answers_open_the_breaker_and_no_more_become_uncertain(
    running: Running,
) -> None:
    for survey in range(1, 6):
        running.provider.service.store.put_survey("shop", survey, "?", running.provider.service.now)
        running.campaign(f"survey-{survey}", survey=survey, shop=f"shop-{survey}")
    running.provider.will(*[reply(502)] * 9)
    for number in range(1, 6):
        running.deliver(running.purchase(f"A-{number}", shop=f"shop-{number}"))
    assert running.states == {"uncertain": 3, "pending": 2}
    assert len(running.provider.asked) == 3
    running.provider.planned.clear()
    running.settle()
    assert running.states == {"sent": 5}


BROKEN_BODIES: dict[str, Answer] = {
    "truncated": truncated(201, b'{"invitation":{"id":'),
    "no JSON": reply(201, b"<html>Created</html>"),
    "empty": reply(201, b""),
    "null": reply(200, b"null"),
    "no gzip": reply(201, b"plain", {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_accepted_is_sent_even_if_its_body_is_broken(running: Running, name: str) -> None:
    running.provider.will(running.provider.processed(BROKEN_BODIES[name]))
    running.deliver(running.purchase())
    assert running.states == {"sent": 1}
    running.settle()
    assert running.states == {"sent": 1}
    assert len(running.provider.asked) == 1


@pytest.mark.parametrize("answer", [trickling_body(201), stalled_body(201)], ids=["slow", "none"])
def test_accepted_is_sent_even_if_its_body_never_ends(
    running: Running, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    begun = _reading(monkeypatch)
    running.provider.will(running.provider.processed(answer))
    with running.giving_up(begun):
        running.deliver(running.purchase())
    assert running.states == {"sent": 1}


def _reading(monkeypatch: pytest.MonkeyPatch) -> Event:
    begun, read = Event(), http._read

    def begin(response: Any) -> bytes:
        begun.set()
        return read(response)

    monkeypatch.setattr(http, "_read", begin)
    return begun


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed_and_the_survey_waits(running: Running, status: int) -> None:
    elsewhere = f"{running.provider.server.url}/elsewhere"
    running.provider.will(reply(status, headers={"Location": elsewhere}))
    running.deliver(running.purchase())
    assert running.states == WAY_SAYS_LATER
    assert running.way.slot.not_before > running.clock()
    assert not [each for each in running.provider.server.received if each.path == "/elsewhere"]
    running.settle()
    assert running.states == {"sent": 1}


def test_a_missing_survey_holds_up_that_survey_alone(running: Running) -> None:
    running.campaign(survey=404)
    running.campaign("another", survey=1, shop="other")
    running.deliver(running.purchase("A-1"), running.purchase("B-1", shop="other"))
    assert (running.state("A-1"), running.state("B-1")) == ("pending", "sent")
    # It is nobody's fault but the campaign's: mended, it goes on.
    running.campaign(survey=1)
    running.new_instances()
    assert running.sweep_after(60)["sent"] == 1


AFTERS = {"in seconds": "93", "as a date": "Fri, 15 Jan 2027 08:01:33 GMT"}


@pytest.mark.parametrize("after", AFTERS.values(), ids=AFTERS)
@pytest.mark.parametrize("status", [429, 503])
def test_the_account_waits_as_long_as_it_was_told(
    running: Running, status: int, after: str
) -> None:
    running.provider.will(reply(status, b"one sentence", {"Retry-After": after}))
    running.deliver(running.purchase("A-1"))
    assert running.states == WAY_SAYS_LATER
    assert running.way.account_state.not_before == running.clock() + 93
    # Nobody goes until then, on whichever instance.
    running.new_instances()
    running.deliver(running.purchase("A-2"))
    assert running.sweep_after(92) == {"blocked_lanes": 1}
    assert len(running.provider.asked) == 1
    assert (running.told["InvitationsReleased"], running.told["LanesBlocked"]) == (1, 1)
    assert f"account shop: http_{status}" in running.heard
    assert running.sweep_after(1)["sent"] == 2


def test_a_429_without_a_word_waits_a_minute(running: Running) -> None:
    running.provider.will(reply(429))
    running.deliver(running.purchase())
    assert running.way.account_state.not_before == running.clock() + MINUTE
    assert running.sweep_after(MINUTE)["sent"] == 1


STILL_SENDING = {
    "error": "RecordInvalid",
    "details": {"base": [{"description": "Invitations are still being sent for this survey"}]},
}
REFUSED_FIELD = {
    "error": "RecordInvalid",
    "details": {"recipients[0].email": [{"error": "InvalidValue"}]},
}


def test_while_a_survey_is_still_being_sent_it_waits(running: Running) -> None:
    running.provider.will(reply(422, STILL_SENDING))
    running.deliver(running.purchase())
    assert running.states == WAY_SAYS_LATER
    assert running.way.slot.not_before == running.clock() + MINUTE
    assert running.way.account_state.not_before == 0
    assert running.told["InvitationsReleased"] == 1
    assert "account shop: still_being_sent" in running.heard
    assert running.sweep_after(MINUTE)["sent"] == 1


def test_a_422_without_a_reason_means_busy_while_an_earlier_one_is_on_its_way(
    running: Running,
) -> None:
    running.provider.invite("somebody.else@example.org")
    running.provider.will(reply(422, {"error": "RecordInvalid"}))
    running.deliver(running.purchase())
    assert running.states == WAY_SAYS_LATER
    assert running.sweep_after(MINUTE)["sent"] == 1


def refusing_whoever(running: Running, *bad: str) -> Answer:
    def answer(exchange: Exchange) -> None:
        people = json.loads(exchange.request.body)["invitation"]["recipients"]
        refused = any(each["email"] in bad for each in people)
        (reply(422, REFUSED_FIELD) if refused else running.provider.serve)(exchange)

    return answer


def test_a_refused_call_is_halved_until_only_the_one_who_is_at_fault_ends(
    running: Running,
) -> None:
    running.provider.will(*[refusing_whoever(running, "a-3@example.com")] * 40)
    orders = [f"A-{number}" for number in range(8)]
    assert running.deliver(*(running.purchase(order) for order in orders)) == []
    running.settle()
    assert running.states == {"sent": 7, "ended.refused": 1}
    assert running.state("A-3") == "ended.refused"
    assert running.told["InvitationsEnded"] == 1


def test_where_many_are_refused_the_survey_is_at_fault_and_they_are_held(
    running: Running,
) -> None:
    running.provider.will(*[reply(422, REFUSED_FIELD)] * 100)
    running.deliver(*(running.purchase(f"A-{number}") for number in range(8)))
    running.settle()
    assert running.states == {"ended.refused": 3, "held.too_many_refused": 5}
    assert running.told["InvitationsHeld"] == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_was_rotated_is_read_once_past_the_cache(
    running: Running, status: int
) -> None:
    running.deliver(running.purchase("A-1"))
    rotate(running)
    running.provider.service.store.put_survey("shop", 1, "?", running.provider.service.now)
    if status == 403:
        running.provider.authorization = None
        running.provider.will(reply(403, {"error": {"title": "Forbidden"}}))
    running.deliver(running.purchase("A-2"))
    assert running.states == {"sent": 2}
    assert running.way.account_state.failures == 0


def rotate(running: Running) -> None:
    """Let the provider know a new secret only, and SSM, too; a warm instance still has the old one."""
    running.stage.store.put_secret(
        "accounts/shop", json.dumps({"email": "boss@example.com", "password": "pass:wörd"})
    )
    running.provider.authorization = basic("boss@example.com", "pass:wörd")


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_stays_refused_opens_the_breaker_at_once(
    running: Running, status: int
) -> None:
    running.provider.will(*[reply(status)] * 2)
    running.provider.authorization = "Basic nobody" if status == 401 else None
    running.deliver(running.purchase("A-1"))
    assert running.states == WAY_SAYS_LATER
    account = running.way.account_state
    assert account.failures == 3
    assert account.not_before > running.clock()
    assert "account shop: credentials" in running.heard
    running.deliver(running.purchase("A-2"))
    asked = len(running.provider.server.received)
    assert running.sweep() == {"blocked_lanes": 1}
    assert len(running.provider.server.received) == asked
    running.provider.authorization = None
    running.provider.planned.clear()
    assert running.settle()["sent"] == 2


def test_a_secret_that_is_gone_is_told_of_and_waits(running: Running) -> None:
    running.cloud.client("ssm").delete_parameter(Name="/afterword/test/secrets/accounts/shop")
    running.deliver(running.purchase())
    assert running.states == WAY_SAYS_LATER
    running.stage.store.put_secret("accounts/shop", json.dumps(SECRET))
    running.new_instances()
    assert running.settle()["sent"] == 1


def test_a_413_is_halved_too_and_the_one_that_is_left_ends(running: Running) -> None:
    running.provider.will(*[reply(413)] * 40)
    running.deliver(running.purchase("A-1"), running.purchase("A-2"))
    running.settle()
    assert running.states == {"ended.refused": 2}


@pytest.mark.parametrize(
    ("status", "recipients", "state", "metric"),
    [
        ("failed", None, "held.failed_at_provider", "InvitationsHeld"),
        ("zero_recipients", 0, "provider_dropped", "InvitationsEnded"),
    ],
)
def test_what_was_accepted_and_then_not_sent_is_found_out(
    running: Running, status: str, recipients: int | None, state: str, metric: str
) -> None:
    running.deliver(running.purchase())
    running.provider.becomes(status, recipients)
    running.sweep_after(600)
    assert running.states == {state: 1}
    assert running.told[metric] == 1
