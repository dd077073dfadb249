"""Whatever comes gets a clear error or the documented effect, by every route that there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from functions.invitation_service import app
from invitation_service.people.store import NewRecipient
from tests.support.invitation_service import ADMIN, AGENT, OTHER_ACCOUNT, Answer, Service, event

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_PAYLOAD = 6 * 1024 * 1024

IDS = {
    "survey_id": "1",
    "invitation_id": "1",
    "recipient_id": "1",
    "response_id": "1",
    "template_id": "1833",
    "token": "81a2B7",
}
BODIES: dict[str, object] = {
    "survey": {"name": "x"},
    "invitation": {"recipients": [{"email": "jane@example.com", "name": "Jane"}]},
    "recipient": {"email": "jane@example.com", "name": "Jane"},
    "response": {"recipient_id": 1, "rating": 9},
    "template": {"subject": "Hello", "text": "x"},
    "respondent": {"email": "jane@example.com"},
}


def made() -> Service:
    """A service in which each of `IDS` is there, in the account `shop`."""
    service = Service()
    now = service.now.replace(microsecond=0)
    service.store.add_survey("shop", "After the purchase", now)
    person = NewRecipient(email="mike@example.com", name="Mike", created_at=now)
    service.store.add_recipient("shop", 1, person)
    return service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = made()
    api = service.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    service.invite({"invitation": BODIES["invitation"]})
    service.send("POST", "/api/v2/nps/surveys/1/responses", {"response": BODIES["response"]})
    for path, kind in (("templates/1833", "template"), ("respondents/81a2B7", "respondent")):
        service.send("PUT", f"/api/v2/ours/{path}", {kind: BODIES[kind]})
    return service


ROUTES = [
    (method, path)
    for path, methods in made().api().routes.items()
    for method in sorted(methods)
    if path.startswith("/api/v2/")
]
# The body of `close` is not read; DELETE has none.
WITH_BODY = [
    (method, path)
    for method, path in ROUTES
    if method in {"POST", "PUT"} and not path.endswith("/close")
]
WITH_ID = [
    (method, path)
    for method, path in ROUTES
    # A PUT of ours makes what is not there in the caller's own account, a DELETE is done anyway.
    if "<" in path and (method == "GET" or "/nps/" in path)
]


def filled(path: str, **ids: str) -> str:
    return re.sub(r"<(\w+)>", lambda found: {**IDS, **ids}[found[1]], path)


def send(service: Service, method: str, path: str, **more: Any) -> Answer:
    query = {"start_time": "0", "email": "mike@example.com"}
    return service.send(method, filled(path), more.pop("data", BODIES), query=query, **more)


def test_there_are_as_many_routes_as_there_should_be() -> None:
    assert len(ROUTES) > 25
    assert len(WITH_BODY) > 9
    assert len(WITH_ID) > 15


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_good_call_is_answered_well(service: Service, method: str, path: str) -> None:
    service.later(minutes=10)
    if path.endswith("/invitations"):
        service.later(hours=1)

    answer = send(service, method, path)

    names = {name.lower() for name in answer.headers}
    assert answer.status in {200, 201}
    # An answer with one of these would be something else to clients: a refusal, or an address.
    assert not names & {"location", "retry-after"}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_is_for_admins_who_are_known(service: Service, method: str, path: str) -> None:
    service.authorization = None
    assert send(service, method, path).status == 401
    service.authorization = AGENT
    assert send(service, method, path).status == 403


@pytest.mark.parametrize(("method", "path"), WITH_ID)
def test_another_accounts_ids_are_not_found(service: Service, method: str, path: str) -> None:
    service.authorization = OTHER_ACCOUNT

    answer = send(service, method, path)

    assert (answer.status, answer.json) == (
        404,
        {"error": "RecordNotFound", "description": "Not found"},
    )


@pytest.mark.parametrize(("method", "path"), WITH_ID)
def test_unknown_ids_are_not_found(service: Service, method: str, path: str) -> None:
    [*_, last] = re.findall(r"<(\w+)>", path)

    for unknown in ("9", "x", "0", "-1", "1.0", "1e3", "9" * 400, "%00", "é"):
        answer = service.send(
            method, filled(path, **{last: unknown}), BODIES, query={"email": "a@example.com"}
        )
        assert answer.status == 404, unknown


NO_JSON = ["", "{", "nonsense", "NaN", "\ufeff{}", "[" * 100_000, '{"a": "\ud800"}', "\x00"]
NO_OBJECT = ["null", "1", "true", '"x"', "[]", "[[]]", "{}", '{"x": {}}']


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_what_is_no_json_is_said_to_be_none(service: Service, method: str, path: str) -> None:
    for body in NO_JSON:
        answer = send(service, method, path, data=body)
        assert (answer.status, answer.json["error"]) == (400, "InvalidJson"), body[:20]


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_without_its_object_is_refused_with_a_name(
    service: Service, method: str, path: str
) -> None:
    for body in NO_OBJECT:
        answer = send(service, method, path, data=body)
        assert (answer.status, answer.json["error"]) == (422, "RecordInvalid"), body
        assert answer.json["details"]


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_an_object_of_another_type_is_refused(service: Service, method: str, path: str) -> None:
    for value in (None, 1, True, "x", [], [1]):
        answer = send(service, method, path, data=dict.fromkeys(BODIES, value))
        assert (answer.status, answer.json["error"]) == (422, "RecordInvalid"), value


INJECTED = [
    "Jane\r\nBcc: spy@example.com",
    "Jane\nBcc: spy@example.com",
    "Jane\rBcc: spy@example.com",
    "Jane\x00",
    "Jane\x1b[31m",
    "Jane\u2028Bcc: spy@example.com",
    "Jane\x85Bcc: spy@example.com",
]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "nps/surveys", {"survey": {"name": ...}}),
        ("PUT", "nps/surveys/1", {"survey": {"name": ...}}),
        ("PUT", "nps/surveys/1", {"survey": {"subject": ...}}),
        ("PUT", "nps/surveys/1", {"survey": {"email_subject": ...}}),
        ("PUT", "nps/surveys/1", {"survey": {"comments_question": ...}}),
        (
            "POST",
            "nps/surveys/1/recipients",
            {"recipient": {"email": "a@example.com", "name": ...}},
        ),
        ("POST", "nps/surveys/1/recipients", {"recipient": {"name": "A", "email": ...}}),
        ("PUT", "nps/surveys/1/recipients/1", {"recipient": {"name": ...}}),
        ("PUT", "ours/surveys/1", {"survey": {"name": ...}}),
        ("PUT", "ours/templates/1833", {"template": {"text": "x", "subject": ...}}),
        (
            "PUT",
            "ours/respondents/x",
            {"respondent": {"email": "a@example.com", "labels": {"l1": ...}}},
        ),
    ],
)
def test_what_goes_into_a_mails_headers_is_one_line(
    service: Service, method: str, path: str, body: dict[str, Any]
) -> None:
    for line in INJECTED:
        answer = service.send(method, f"/api/v2/{path}", _with(body, line))
        assert answer.status == 422, line
        assert "spy" not in answer.text


@pytest.mark.parametrize("field", ["name", "email"])
def test_an_invitations_recipients_are_one_line_each(service: Service, field: str) -> None:
    for line in INJECTED:
        person = {"email": "a@example.com", "name": "A", field: line}
        answer = service.invite({"invitation": {"recipients": [person]}})
        assert (answer.status, list(answer.json["details"])) == (422, [f"recipients[0].{field}"])


def _with(body: Any, line: str) -> Any:
    if isinstance(body, dict):
        return {name: _with(value, line) for name, value in body.items()}
    return line if body is ... else body


def test_html_in_names_is_kept_as_it_came_and_harms_nobody(service: Service) -> None:
    name = '<script>alert("1")</script>&amp;<b>Jane</b>'
    person = {"email": "html@example.com", "name": name}

    service.send("POST", "/api/v2/nps/surveys/1/recipients", {"recipient": person})
    service.send("PUT", "/api/v2/nps/surveys/1", {"survey": {"subject": name}})

    assert service.get("/1/recipients").json["recipients"][0]["name"] == name
    assert service.get("/1").json["survey"]["subject"] == name
    assert "<script>" not in service.get("/1/preview").json["preview"]["html"]


def test_a_body_as_large_as_a_function_can_get_is_answered(service: Service) -> None:
    """Lambda's 6 MB for the whole event bite before API Gateway's 10 MB for the body."""
    people = [{"email": f"p{n}@example.com", "name": "ž" * 255} for n in range(10_000)]
    body = json.dumps({"invitation": {"recipients": people}}, ensure_ascii=False)
    request = event(
        "POST", "/api/v2/nps/surveys/1/invitations", headers={"authorization": ADMIN}, body=body
    )
    # JSON within JSON: each quotation mark of the body is two bytes of the event.
    request["body"] += " " * (
        LAMBDA_PAYLOAD - len(json.dumps(request, ensure_ascii=False).encode())
    )

    answer = service.handle(request)

    assert len(json.dumps(request, ensure_ascii=False).encode()) == LAMBDA_PAYLOAD
    assert answer.status == 201


def test_no_error_repeats_what_the_client_sent(service: Service) -> None:
    planted = "planted@example.com<>"
    answers = [
        send(
            service,
            method,
            path,
            data={name: {"name": planted, "email": planted} for name in BODIES},
        )
        for method, path in WITH_BODY
    ]

    refused = [each for each in answers if each.status >= 400]
    assert refused
    assert not [each for each in refused if "planted" in each.text]
    assert "planted" not in service.log.getvalue()
