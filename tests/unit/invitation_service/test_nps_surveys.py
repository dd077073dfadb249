from __future__ import annotations

from typing import Any

import pytest

from functions.invitation_service import app
from tests.support.invitation_service import OTHER_ACCOUNT, Answer, Service

NPS = "/api/v2/nps/surveys"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with one survey, number 1, of the account `shop`."""
    made = Service()
    made.store.add_survey("shop", "After the purchase", made.now.replace(microsecond=0))
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def change(service: Service, survey: object = 1, **fields: Any) -> Answer:
    return service.send("PUT", f"{NPS}/{survey}", {"survey": fields})


def test_surveys_are_listed_newest_first_in_pages(service: Service) -> None:
    for name in ("Second", "Third"):
        service.send("POST", NPS, {"survey": {"name": name}})

    everything = service.get("").json
    second = service.get(".json", query={"page": "2", "per_page": "1"}).json

    assert [each["id"] for each in everything["surveys"]] == [3, 2, 1]
    assert everything["surveys"][2] == service.get("/1").json["survey"]
    assert (everything["count"], everything["next_page"]) == (3, None)
    assert [each["name"] for each in second["surveys"]] == ["Second"]
    assert second["count"] == 3
    assert second["next_page"] == f"https://api.example.com{NPS}.json?page=3&per_page=1"


def test_a_list_has_the_accounts_own_surveys_alone(service: Service) -> None:
    service.authorization = OTHER_ACCOUNT

    assert service.get("").json == {
        "surveys": [],
        "next_page": None,
        "previous_page": None,
        "count": 0,
    }


def test_a_survey_changes_in_what_is_named(service: Service) -> None:
    before = service.get("/1").json["survey"]
    changes = {
        "name": "After a signup",
        "subject": "Our shop",
        "email_subject": "One question",
        "intro_text": "Hello,\n\nwe would like to know:",
        "comments_question": "Why?",
        "highlight_color": "#AbCdEf",
        "relationship_id": 4,
        "delivery_method": "email",
        "from_email_id": 12,
    }
    service.later(minutes=1)

    answer = change(service, **changes)

    assert answer.status == 200
    assert answer.json["survey"] == {
        **before,
        **changes,
        "highlight_color": "#abcdef",
        "updated_at": "2026-11-21T10:23:00Z",
    }
    assert service.get("/1").json == answer.json


def test_what_is_null_unknown_or_read_only_changes_nothing(service: Service) -> None:
    before = service.get("/1").json

    answer = change(service, name=None, status="closed", id=9, created_at="x", anything=[1])

    assert (answer.status, answer.json) == (200, before)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\r\nBcc: x@example.com"),
        ("name", "x" * 256),
        ("subject", 7),
        ("subject", "a\nb"),
        ("email_subject", "a\r\nBcc: x@example.com"),
        ("email_subject", "x" * 256),
        ("intro_text", []),
        ("intro_text", "\x00"),
        ("intro_text", "x" * 5_001),
        ("comments_question", "a\nb"),
        ("highlight_color", "red"),
        ("highlight_color", "#77a50"),
        ("highlight_color", "#77a500;}"),
        ("highlight_color", 7),
        ("relationship_id", 5),
        ("relationship_id", -1),
        ("relationship_id", True),
        ("relationship_id", "1"),
        ("delivery_method", "web_widget"),
        ("from_email_id", "x"),
        ("from_email_id", 10**18),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(
    service: Service, field: str, value: object
) -> None:
    before = service.get("/1").json

    answer = change(service, **{"comments_question": "Why?", field: value})

    assert (answer.status, answer.json["error"]) == (422, "RecordInvalid")
    assert list(answer.json["details"]) == [field]
    assert service.get("/1").json == before


@pytest.mark.parametrize("body", [{}, {"survey": None}, {"survey": "x"}, [], "x"])
def test_an_update_needs_a_survey(service: Service, body: object) -> None:
    answer = service.send("PUT", f"{NPS}/1", body if not isinstance(body, str) else f'"{body}"')

    assert answer.status == 422


def test_a_closed_survey_takes_no_invitation_and_says_so(service: Service) -> None:
    body = {"invitation": {"recipients": [{"email": "jane@example.com", "name": "Jane"}]}}

    closed = service.send("POST", f"{NPS}/1/close.json")
    answer = service.invite(body)

    assert (closed.status, closed.json["survey"]["status"]) == (200, "closed")
    assert (answer.status, answer.json["details"]) == (
        422,
        {"base": [{"description": "Survey is closed", "error": "InvalidValue"}]},
    )
    assert service.get("/1/invitations").json["count"] == 0


def test_a_repeated_call_gets_its_answer_even_when_the_survey_is_closed_by_now(
    service: Service,
) -> None:
    body = {"invitation": {"recipients": [{"email": "jane@example.com", "name": "Jane"}]}}
    first = service.invite(body, key="key-1")
    service.send("POST", f"{NPS}/1/close")

    assert service.invite(body, key="key-1").json == first.json


def test_closing_again_changes_nothing(service: Service) -> None:
    first = service.send("POST", f"{NPS}/1/close")
    service.later(minutes=1)

    again = service.send("POST", f"{NPS}/1/close", {"whatever": 1})

    assert (again.status, again.json) == (200, first.json)


@pytest.mark.parametrize(
    ("locale", "spoken"), [("cs", "cs"), ("de-AT", "de"), ("xx", "en"), ("", "en")]
)
def test_a_survey_is_previewed_as_it_would_be_mailed(
    service: Service, locale: str, spoken: str
) -> None:
    change(service, subject="Our <shop> & friends", intro_text="Hello\nthere")

    answer = service.get("/1/preview.json", query={"locale": locale})

    preview = answer.json["preview"]
    assert answer.status == 200
    assert preview.keys() == {"locale", "subject", "text", "html"}
    assert preview["locale"] == spoken
    assert "Our <shop> & friends" in preview["text"]
    assert "Our &lt;shop&gt; &amp; friends" in preview["html"]
    assert "<shop>" not in preview["html"]
    assert preview["subject"]


def test_a_preview_needs_no_language(service: Service) -> None:
    assert service.get("/1/preview").json["preview"]["locale"] == "en"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/2"), ("PUT", "/x"), ("POST", "/2/close"), ("GET", "/2/preview")],
)
def test_what_is_not_there_is_not_found(service: Service, method: str, path: str) -> None:
    assert service.send(method, f"{NPS}{path}", {"survey": {}}).status == 404
    service.authorization = OTHER_ACCOUNT
    own = path.replace("2", "1")
    assert service.send(method, f"{NPS}{own}", {"survey": {"name": "x"}}).status == 404


def test_a_survey_that_vanishes_in_between_is_not_found(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.store, "update_survey", lambda *_: None)

    assert change(service, name="x").status == 404
