"""How many calls an account may make, and what it is told of that."""

from __future__ import annotations

from typing import Any

import pytest

from functions.invitation_service import app
from invitation_service.surveys.store import StoreBusyError
from tests.support.invitation_service import AGENT, OTHER_ACCOUNT, Service, basic

HURRIED = basic("hurried@example.com/token", "token-4")


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "account": "hurried",
        "email": "hurried@example.com",
        "role": "admin",
        "api_token": "token-4",
        "calls_per_minute": 3,
        **changes,
    }


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service whose account `hurried` may make three calls a minute. It is 10:22:00."""
    made = Service(webhook_accounts=[entry(), entry(email="b@example.com", api_token="token-5")])
    made.store.add_survey("hurried", "After the purchase", made.now)
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    made.authorization = HURRIED
    return made


def test_the_call_above_the_limit_is_refused_in_plain_text(service: Service) -> None:
    service.later(seconds=17)

    statuses = [service.get("/1").status for _ in range(3)]
    refused = service.get("/1")

    assert statuses == [200, 200, 200]
    assert (refused.status, refused.text) == (
        429,
        "Number of allowed API requests per minute exceeded",
    )
    assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert refused.headers["Retry-After"] == "43"


def test_an_account_is_told_what_is_left(service: Service) -> None:
    service.later(seconds=59)

    answers = [service.get("/1") for _ in range(5)]

    told = [
        (each.headers["X-Rate-Limit"], each.headers["X-Rate-Limit-Remaining"]) for each in answers
    ]
    newer = [
        (each.headers["ratelimit-limit"], each.headers["ratelimit-remaining"]) for each in answers
    ]
    assert told == newer == [("3", "2"), ("3", "1"), ("3", "0"), ("3", "0"), ("3", "0")]
    assert {each.headers["ratelimit-reset"] for each in answers} == {"1"}
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_refused_call_does_nothing(service: Service) -> None:
    for _ in range(3):
        service.get("/1")

    service.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "Another"}})

    assert len(service.store.surveys("hurried")) == 1


def test_the_next_minute_begins_anew(service: Service) -> None:
    for _ in range(4):
        service.get("/1")
    service.later(minutes=1)

    assert service.get("/1").headers["X-Rate-Limit-Remaining"] == "2"


def test_all_who_call_for_an_account_share_its_limit(service: Service) -> None:
    for _ in range(3):
        service.get("/1")
    service.authorization = basic("b@example.com/token", "token-5")

    assert service.get("/1").status == 429
    service.authorization = OTHER_ACCOUNT
    assert service.get("").headers["X-Rate-Limit-Remaining"] == "699"


def test_errors_tell_what_is_left_once_it_is_known_who_calls(service: Service) -> None:
    missing, invalid = service.get("/9"), service.invite({})
    service.authorization = AGENT
    forbidden = service.get("/1")
    service.authorization = None
    unknown = service.get("/1")

    assert (missing.status, missing.headers["X-Rate-Limit-Remaining"]) == (404, "2")
    assert (invalid.status, invalid.headers["X-Rate-Limit-Remaining"]) == (422, "1")
    assert (forbidden.status, unknown.status) == (403, 401)
    assert "X-Rate-Limit" not in forbidden.headers
    assert "X-Rate-Limit" not in unknown.headers


def test_exports_have_a_limit_of_their_own(service: Service) -> None:
    path = "/api/v2/nps/incremental/recipients.json"

    answers = [service.send("GET", path, query={"start_time": "0"}) for _ in range(11)]

    assert [each.status for each in answers] == [200] * 10 + [429]
    assert answers[0].headers["X-Rate-Limit"] == "10"
    other = "/api/v2/nps/incremental/responses"
    assert service.send("GET", other, query={"start_time": "0"}).status == 429
    assert service.get("/1").status == 200


def test_our_own_calls_are_not_counted(service: Service) -> None:
    answers = [service.send("GET", "/api/v2/ours/respondents/nobody") for _ in range(5)]

    assert {each.status for each in answers} == {404}
    assert "X-Rate-Limit" not in answers[0].headers


def test_a_store_that_can_not_count_is_a_503(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise StoreBusyError

    monkeypatch.setattr(service.store, "count_call", refuse)

    assert service.get("/1").status == 503


@pytest.mark.parametrize("limit", [0, -1, "many"])
def test_a_limit_is_a_positive_number(service: Service, limit: object) -> None:
    service.webhook_accounts = [entry(calls_per_minute=limit)]

    assert service.get("/1").status == 503
    assert "credentials unusable" in service.log.getvalue()
