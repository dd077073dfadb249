"""Our own extensions: how surveys with given ids, templates and respondents get in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.invitation_service import app
from tests.support.invitation_service import ADMIN, AGENT, OTHER_ACCOUNT, Answer, Service

OURS = "/api/v2/ours"
JANE: dict[str, Any] = {"email": "jane@example.com", "language": "cs", "labels": {"l1": "Jane"}}
NOT_FOUND = {"error": "RecordNotFound", "description": "Not found"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def put_jane(service: Service, **changes: object) -> Answer:
    body = {"respondent": {**JANE, **changes}}
    return service.send("PUT", f"{OURS}/respondents/81a2B7", body)


def test_a_survey_gets_the_id_that_it_is_to_have(service: Service) -> None:
    answer = service.send("PUT", f"{OURS}/surveys/419349", {"survey": {"name": "Satisfaction"}})

    assert answer.status == 200
    expected = {
        "created_at": "2026-11-21T10:22:00Z",
        "id": 419349,
        "name": "Satisfaction",
        "status": "open",
        "updated_at": "2026-11-21T10:22:00Z",
    }
    assert answer.json["survey"].items() >= expected.items()
    assert service.get("/419349").json == answer.json


def test_a_template_is_kept_and_shown(service: Service) -> None:
    text = "Hi [l1],\r\n\r\n[LINK] ž 🦊\n"
    body = {"template": {"subject": " How was it? ", "text": text}}

    answer = service.send("PUT", f"{OURS}/templates/1833", body)

    assert answer.status == 200
    assert answer.json == {
        "template": {
            "id": 1833,
            "subject": "How was it?",
            "text": text,
            "updated_at": "2026-11-21T10:22:00Z",
        }
    }
    assert service.send("GET", f"{OURS}/templates/1833").json == answer.json


def test_a_respondent_is_kept_and_shown(service: Service) -> None:
    answer = put_jane(service)

    assert answer.status == 200
    assert answer.json == {
        "respondent": {
            "token": "81a2B7",
            "email": "jane@example.com",
            "language": "cs",
            "labels": {"l1": "Jane"},
            "unsubscribed": False,
            "updated_at": "2026-11-21T10:22:00Z",
        }
    }
    assert service.send("GET", f"{OURS}/respondents/81a2B7").json == answer.json


def test_a_respondent_that_is_put_again_is_replaced(service: Service) -> None:
    put_jane(service)
    service.send("PUT", f"{OURS}/respondents/81a2B7", {"respondent": {"email": "j@example.org"}})

    shown = service.send("GET", f"{OURS}/respondents/81a2B7").json["respondent"]

    assert (shown["email"], shown["language"], shown["labels"]) == ("j@example.org", None, {})


def test_an_unsubscription_stays_until_it_is_taken_back(service: Service) -> None:
    seen = [
        put_jane(service, **change).json["respondent"]["unsubscribed"]
        for change in (
            {},
            {"unsubscribed": True},
            {},
            {"unsubscribed": None},
            {"unsubscribed": False},
        )
    ]

    assert seen == [False, True, True, True, False]


def test_a_respondent_is_forgotten_but_not_the_unsubscription(service: Service) -> None:
    put_jane(service, unsubscribed=True)

    answers = [service.send("DELETE", f"{OURS}/respondents/81a2B7") for _ in range(2)]

    assert [(answer.status, answer.json) for answer in answers] == [(200, {})] * 2
    assert service.send("GET", f"{OURS}/respondents/81a2B7").status == 404
    assert put_jane(service).json["respondent"]["unsubscribed"] is True


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("surveys/1", {}, ["survey"]),
        ("templates/1", {}, ["template"]),
        ("templates/1", {"template": {}}, ["subject", "text"]),
        ("templates/1", {"template": {"subject": "a\nb", "text": " \n"}}, ["subject", "text"]),
        ("templates/1", {"template": {"subject": "a", "text": "x" * 50_001}}, ["text"]),
        ("templates/1", {"template": {"subject": "a", "text": 7}}, ["text"]),
        ("respondents/a", {}, ["respondent"]),
        ("respondents/a", {"respondent": {"email": "private"}}, ["email"]),
        ("respondents/a", {"respondent": {**JANE, "labels": {"l16": "x"}}}, ["labels"]),
        ("respondents/a", {"respondent": {**JANE, "labels": {"l1": 1}}}, ["labels.l1"]),
        ("respondents/a", {"respondent": {**JANE, "labels": "x"}}, ["labels"]),
        ("respondents/a", {"respondent": {**JANE, "unsubscribed": "yes"}}, ["unsubscribed"]),
    ],
)
def test_what_is_wrong_is_named_and_not_kept(
    service: Service, path: str, body: object, fields: list[str]
) -> None:
    answer = service.send("PUT", f"{OURS}/{path}", body)

    assert answer.status == 422
    assert list(answer.json["details"]) == fields
    assert service.store._respondents == {}
    assert service.store._templates == {}


@pytest.mark.parametrize(
    "path",
    [
        "templates/1",
        "templates/x",
        "respondents/unknown",
        f"respondents/{'x' * 65}",
        "respondents/a b",
        "respondents/ž",
    ],
)
def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    answer = service.send("GET", f"{OURS}/{path}")

    assert (answer.status, answer.json) == (404, NOT_FOUND)


@pytest.mark.parametrize("path", ["surveys/x", "templates/x", "respondents/a.b", "others/1"])
def test_nothing_is_kept_under_an_id_that_cannot_be(service: Service, path: str) -> None:
    assert service.send("PUT", f"{OURS}/{path}", {}).status == 404


def test_another_account_finds_nothing(service: Service) -> None:
    put_jane(service)
    service.send("PUT", f"{OURS}/templates/1", {"template": {"subject": "a", "text": "b"}})
    service.authorization = OTHER_ACCOUNT

    assert service.send("GET", f"{OURS}/respondents/81a2B7").status == 404
    assert service.send("GET", f"{OURS}/templates/1").status == 404


@pytest.mark.parametrize(("authorization", "status"), [(None, 401), (AGENT, 403)])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "surveys/1"),
        ("GET", "templates/1"),
        ("PUT", "templates/1"),
        ("GET", "respondents/81a2B7"),
        ("PUT", "respondents/81a2B7"),
        ("DELETE", "respondents/81a2B7"),
    ],
)
def test_every_route_is_for_admins(
    service: Service, method: str, path: str, authorization: str | None, status: int
) -> None:
    put_jane(service)
    service.authorization = authorization

    assert service.send(method, f"{OURS}/{path}", {}).status == status

    service.authorization = ADMIN
    assert service.send("GET", f"{OURS}/respondents/81a2B7").status == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD"])
def test_other_methods_are_refused(service: Service, method: str) -> None:
    for path in ("surveys/1", "templates/1", "respondents/a"):
        assert service.send(method, f"{OURS}/{path}").status == 405


def test_the_log_holds_no_person(service: Service) -> None:
    put_jane(service)
    put_jane(service, email="private")
    service.send("GET", f"{OURS}/respondents/private")

    log = service.log.getvalue().lower()
    assert len(log.splitlines()) == 2
    assert [secret for secret in ("jane", "private", "81a2b7") if secret in log] == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("l1"), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["email", "language", "labels", "unsubscribed", "subject", "text"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["survey", "template", "respondent"]),
    fields=st.dictionaries(FIELDS, ANYTHING | st.emails(), max_size=4) | ANYTHING,
)
def test_no_body_is_a_fault_of_ours(service: Service, kind: str, fields: object) -> None:
    answer = service.send("PUT", f"{OURS}/{kind}s/1", {kind: fields})

    assert answer.status in {200, 422}


SAMPLES = Path(__file__).parents[3] / "events" / "api"


@pytest.mark.parametrize("sample", ["put_survey", "put_template", "put_respondent"])
def test_sample_events_are_answered(service: Service, sample: str) -> None:
    sent = json.loads((SAMPLES / f"{sample}.json").read_text())
    sent["headers"]["authorization"] = ADMIN

    assert service.handle(sent).status == 200
