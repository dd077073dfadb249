"""The webhooks of the Netquest dialect that invite nobody, through the Lambda handler."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.invitation_service import app
from invitation_service.directory.records import Respondent
from tests.support.invitation_service import WEBHOOK, Service, event

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)
SURVEY = 399793
HOOKS = "/webhooks/387487/TUwNjNDg3M/84b750d6956f02503015938fc38bfe36"
# Netquest's own example, word for word.
GOLDEN_UPDATE = f"{HOOKS}/update-respondent?id_survey=399793&id_respondent=12345&l4=SuperVIP&l7=9"
JANE = "jane@example.com"
ADDED = {"type": "success", "msg": "Respondent has been added to the survey's mailing list"}
UPDATED = {"type": "success", "msg": "Respondent has been updated on the survey's mailing list"}
UNSUBSCRIBED = {"type": "success", "msg": "E-mail has been unsubscribed"}


def error(msg: str) -> dict[str, str]:
    return {"type": "error", "msg": msg}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()
    made.store.put_survey("shop", SURVEY, "Satisfaction", NOW)
    made.store.put_survey("other", 7, "Somebody else's", NOW)
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def get(service: Service, path: str) -> Any:
    path, _, query = path.partition("?")
    answer = service.handle({**event("GET", path), "rawQueryString": query})
    assert answer.status == 200
    return answer.json


def call(service: Service, name: str, **parameters: object) -> Any:
    return get(service, f"{HOOKS}/{name}?{urlencode(parameters)}")


def post(service: Service, name: str, **parameters: object) -> Any:
    form = base64.b64encode(urlencode(parameters).encode()).decode()
    answer = service.handle(event("POST", f"{HOOKS}/{name}", body=form, is_base64=True))
    assert answer.status == 200
    return answer.json


def know(service: Service, token: str, email: str = JANE, **labels: str) -> None:
    service.store.put_respondent(
        "shop", Respondent(token=token, email=email, labels=labels, updated_at=NOW)
    )


@pytest.mark.parametrize("way", [call, post])
def test_somebody_is_added_without_being_invited(service: Service, way: Any) -> None:
    assert way(service, "add-respondent", id_survey=SURVEY, email=JANE, l1="Jane") == ADDED
    known = service.store.respondent_at("shop", JANE)
    assert known
    assert known.labels == {"l1": "Jane"}
    assert service.store.invitations("shop", SURVEY, offset=0, limit=10) == []


def test_somebody_added_again_keeps_the_token_and_the_other_labels(service: Service) -> None:
    know(service, "T-1", l1="Jane", l2="Doe")
    assert call(service, "add-respondent", id_survey=SURVEY, email="JANE@example.com", l2="Roe")
    known = service.store.respondent_at("shop", JANE)
    assert known
    assert (known.token, known.labels) == ("T-1", {"l1": "Jane", "l2": "Roe"})


def test_the_example_of_an_update_works_word_for_word(service: Service) -> None:
    know(service, "12345", l1="Jane", l4="VIP")
    assert get(service, GOLDEN_UPDATE) == UPDATED
    known = service.store.respondent("shop", "12345")
    assert known
    assert known.labels == {"l1": "Jane", "l4": "SuperVIP", "l7": "9"}


@pytest.mark.parametrize("way", [call, post])
def test_an_address_is_unsubscribed_once_and_for_all(service: Service, way: Any) -> None:
    know(service, "T-1")
    assert way(service, "unsubscribe", email="JANE@example.com") == UNSUBSCRIBED
    assert way(service, "unsubscribe", email=JANE) == UNSUBSCRIBED
    assert service.store.is_unsubscribed("shop", JANE)
    assert not service.store.is_unsubscribed("other", JANE)


@pytest.mark.parametrize(
    ("name", "parameters", "msg"),
    [
        ("add-respondent", {"email": JANE}, "id_survey is missing"),
        ("add-respondent", {"id_survey": SURVEY}, "email is missing"),
        ("add-respondent", {"id_survey": SURVEY, "email": "jane"}, "invalid e-mail address"),
        ("add-respondent", {"id_survey": 7, "email": JANE}, "Survey not found"),
        ("add-respondent", {"id_survey": SURVEY, "email": JANE, "l1": "a\nb"}, "l1 is not valid"),
        ("update-respondent", {"id_survey": SURVEY}, "id_respondent is missing"),
        ("update-respondent", {"id_respondent": "12345"}, "id_survey is missing"),
        ("update-respondent", {"id_survey": 7, "id_respondent": "12345"}, "Survey not found"),
        (
            "update-respondent",
            {"id_survey": SURVEY, "id_respondent": "54321"},
            "Respondents not found",
        ),
        (
            "update-respondent",
            {"id_survey": SURVEY, "id_respondent": "../1"},
            "Respondents not found",
        ),
        ("unsubscribe", {}, "email is missing"),
        ("unsubscribe", {"email": "jane@"}, "invalid e-mail address"),
        ("survey-list", {"type": "poll"}, "type is not valid"),
        ("survey-list", {"limit": "many"}, "limit is not valid"),
        ("survey-list", {"offset": "0"}, "offset is not valid"),
        ("shorten-link", {"id_survey": SURVEY}, "Unknown webhook"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    service: Service, name: str, parameters: dict[str, object], msg: str
) -> None:
    know(service, "12345")
    assert call(service, name, **parameters) == error(msg)
    assert service.store.respondent("shop", "12345") == Respondent(
        token="12345", email=JANE, updated_at=NOW
    )


def test_surveys_are_listed_newest_first(service: Service) -> None:
    later = NOW + timedelta(days=1)
    service.store.put_survey("shop", 400000, "After a purchase", later)
    newest, oldest = call(service, "survey-list")
    assert (newest["id"], newest["title"]) == (400000, "After a purchase")
    assert oldest == {
        "id": SURVEY,
        "title": "Satisfaction",
        "user_title": "Satisfaction",
        "url_title": None,
        "date_created": "2026-11-21 10:22:00",
        "date_published": "2026-11-21 10:22:00",
        "date_modified": "2026-11-21 10:22:00",
        "date_end": None,
        "security_level": 0,
        "answers_count": 0,
        "status": 1,
        "type": 0,
        "link": None,
    }


@pytest.mark.parametrize(
    ("parameters", "ids"),
    [
        ({"limit": "2"}, [25, 24]),
        ({"limit": "2", "offset": "3"}, [23, 22]),
        ({"limit": "500"}, list(range(25, 5, -1))),
        ({"offset": "26"}, []),
        ({"title": "SURVEY 7"}, [7]),
        ({"type": "widget"}, []),
    ],
)
def test_a_stretch_of_the_surveys_is_listed(
    monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str], ids: list[int]
) -> None:
    service = Service()
    for number in range(1, 26):
        service.store.put_survey("shop", number, f"Survey {number}", NOW)
    monkeypatch.setattr(app, "_api", service.api)
    assert [each["id"] for each in call(service, "survey-list", **parameters)] == ids


@pytest.mark.parametrize("name", ["add-respondent", "unsubscribe", "survey-list"])
def test_an_account_that_refuses_get_refuses_it_for_all(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    service = Service(webhook_accounts=[WEBHOOK | {"get_allowed": False}])
    service.store.put_survey("shop", SURVEY, "Satisfaction", NOW)
    monkeypatch.setattr(app, "_api", service.api)
    parameters = {"id_survey": SURVEY, "email": JANE}
    assert call(service, name, **parameters) == error("This account takes POST only")
    assert post(service, name, **parameters) != error("This account takes POST only")


def test_what_is_logged_tells_no_address(service: Service) -> None:
    call(service, "add-respondent", id_survey=SURVEY, email=JANE, l1="Jane Doe")
    call(service, "unsubscribe", email=JANE)
    log = service.log.getvalue()
    assert "unsubscribe" in log
    assert not any(secret in log for secret in (JANE, "Jane", "TUwNjNDg3M", "84b750d6"))
