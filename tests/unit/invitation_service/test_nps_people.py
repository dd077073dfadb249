"""Recipients and responses in the NPS dialect."""

from __future__ import annotations

from typing import Any

import pytest

from functions.invitation_service import app
from invitation_service.people.store import UnknownRecipientError
from invitation_service.surveys.store import UnknownSurveyError
from tests.support.invitation_service import OTHER_ACCOUNT, Answer, Service

NPS = "/api/v2/nps/surveys"
JANE = {"email": "jane@example.com", "name": "Jane <b>Doe</b> ž", "locale": "en-US"}
MIKE = {"email": "mike@example.com", "name": "Mike"}
NOT_FOUND = {"error": "RecordNotFound", "description": "Not found"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with two surveys, 1 and 2, of the account `shop`. It is 10:22:00."""
    made = Service()
    for name in ("After the purchase", "After the signup"):
        made.store.add_survey("shop", name, made.now.replace(microsecond=0))
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def post(service: Service, kind: str, body: object, survey: object = 1) -> Answer:
    return service.send("POST", f"{NPS}/{survey}/{kind}s.json", {kind: body})


def put(service: Service, kind: str, number: object, body: object, survey: object = 1) -> Answer:
    return service.send("PUT", f"{NPS}/{survey}/{kind}s/{number}", {kind: body})


def add(service: Service, person: dict[str, Any] = JANE, survey: int = 1) -> int:
    number: int = post(service, "recipient", person, survey).json["recipient"]["id"]
    return number


def respond(service: Service, recipient: int, rating: int, comment: str | None = None) -> Answer:
    body = {"recipient_id": recipient, "rating": rating, "comment": comment}
    return post(service, "response", body)


def test_a_recipient_is_created_with_the_dialects_fields(service: Service) -> None:
    answer = post(service, "recipient", JANE | {"id": 7, "unknown": 1})

    recipient = answer.json["recipient"]
    user = recipient.pop("user_id")
    assert answer.status == 201
    assert recipient == {
        **JANE,
        "id": 1,
        "created_at": "2026-11-21T10:22:00Z",
        "updated_at": "2026-11-21T10:22:00Z",
        "delivered_at": None,
    }
    assert 0 < user < 2**53
    assert "Location" not in answer.headers


def test_a_recipient_is_shown_as_created(service: Service) -> None:
    created = post(service, "recipient", JANE)

    shown = service.get("/1/recipients/1.json")

    assert (shown.status, shown.json) == (200, created.json)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": None}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "email"),
        ({"email": 7}, "email"),
        ({"name": ""}, "name"),
        ({"name": "a\r\nBcc: b@example.com"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": {"x": 1}}, "name"),
    ],
)
def test_a_wrong_recipient_is_refused_with_its_field(
    service: Service, change: dict[str, Any], field: str
) -> None:
    number = add(service)

    for answer in (
        post(service, "recipient", JANE | change),
        put(service, "recipient", number, change),
    ):
        assert (answer.status, list(answer.json["details"])) == (422, [field])
    assert service.get("/1/recipients").json["count"] == 1


def test_a_locale_that_is_no_tag_is_dropped(service: Service) -> None:
    assert post(service, "recipient", JANE | {"locale": "!"}).json["recipient"]["locale"] is None
    assert post(service, "recipient", MIKE).json["recipient"]["locale"] is None


def test_recipients_are_listed_newest_first_in_pages(service: Service) -> None:
    for number in range(3):
        add(service, {"email": f"p{number}@example.com", "name": "P"})
    add(service, JANE, survey=2)

    page = service.get("/1/recipients", query={"page": "2", "per_page": "2"}).json

    assert [each["id"] for each in service.get("/1/recipients").json["recipients"]] == [3, 2, 1]
    assert [each["id"] for each in page["recipients"]] == [1]
    assert (page["count"], page["next_page"]) == (3, None)
    assert page["previous_page"] == f"https://api.example.com{NPS}/1/recipients?page=1&per_page=2"


def test_a_recipient_changes_in_what_is_named(service: Service) -> None:
    before = post(service, "recipient", JANE).json["recipient"]
    service.later(minutes=1)

    renamed = put(service, "recipient", 1, {"name": "Janet", "id": 9, "delivered_at": "x"})
    moved = put(service, "recipient", 1, {"email": "Janet@Example.COM", "locale": None})

    after = {**before, "name": "Janet", "updated_at": "2026-11-21T10:23:00Z"}
    assert (renamed.status, renamed.json["recipient"]) == (200, after)
    moved_to = moved.json["recipient"]
    assert (moved_to["email"], moved_to["locale"]) == ("Janet@example.com", None)
    assert moved_to["user_id"] != before["user_id"]
    assert service.get("/1/recipients/1").json == moved.json


def test_a_recipient_is_searched_by_address_without_regard_to_case(service: Service) -> None:
    first, other = add(service), add(service, MIKE)
    again = add(service)
    add(service, JANE, survey=2)

    def found(email: str) -> list[int]:
        answer = service.get("/1/recipients/search.json", query={"email": email}).json
        assert (answer["next_page"], answer["previous_page"]) == (None, None)
        assert answer["count"] == len(answer["recipients"])
        return [each["id"] for each in answer["recipients"]]

    assert found("JANE@example.com") == [again, first]
    assert found("mike@example.com") == [other]
    assert found("nobody@example.com") == []
    assert found("no address") == []


@pytest.mark.parametrize("query", [{}, {"email": ""}])
def test_a_search_needs_an_address(service: Service, query: dict[str, str]) -> None:
    answer = service.get("/1/recipients/search", query=query)

    assert (answer.status, list(answer.json["details"])) == (422, ["email"])


def test_a_response_is_created_with_the_dialects_fields(service: Service) -> None:
    recipient = add(service)

    answer = respond(service, recipient, 9, " Good\r\n\r\n<b>shop</b>\t\x00ž ")

    assert answer.status == 201
    assert answer.json == {
        "response": {
            "id": recipient,
            "recipient_id": recipient,
            "rating": 9,
            "comment": "Good\n\n<b>shop</b> ž",
            "created_at": "2026-11-21T10:22:00Z",
            "updated_at": "2026-11-21T10:22:00Z",
        }
    }
    assert service.get(f"/1/responses/{recipient}.json").json == answer.json


def test_a_second_response_replaces_the_first(service: Service) -> None:
    recipient = add(service)
    first = respond(service, recipient, 3, "Late").json["response"]
    service.later(minutes=1)

    second = respond(service, recipient, 10)

    assert second.status == 201
    assert second.json["response"] == {
        **first,
        "rating": 10,
        "comment": None,
        "updated_at": "2026-11-21T10:23:00Z",
    }
    assert service.get("/1/responses").json["count"] == 1
    assert service.store.tally("shop", 1).score == 100


def test_a_response_moves_its_recipients_time(service: Service) -> None:
    recipient = add(service)
    service.later(minutes=1)
    respond(service, recipient, 9)

    shown = service.get(f"/1/recipients/{recipient}").json["recipient"]
    assert shown["updated_at"] == "2026-11-21T10:23:00Z"


def test_a_response_changes_in_what_is_named(service: Service) -> None:
    recipient = add(service)
    respond(service, recipient, 3, "Late")
    service.later(minutes=1)

    rated = put(service, "response", recipient, {"rating": 8, "recipient_id": 99})
    silenced = put(service, "response", recipient, {"comment": None})

    assert rated.status == 200
    assert (rated.json["response"]["rating"], rated.json["response"]["comment"]) == (8, "Late")
    assert rated.json["response"]["recipient_id"] == recipient
    assert (silenced.json["response"]["rating"], silenced.json["response"]["comment"]) == (8, None)
    assert service.get(f"/1/responses/{recipient}").json == silenced.json


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rating": None}, "rating"),
        ({"rating": 11}, "rating"),
        ({"rating": -1}, "rating"),
        ({"rating": 9.5}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": "9"}, "rating"),
        ({"comment": 7}, "comment"),
        ({"comment": "x" * 5_001}, "comment"),
    ],
)
def test_a_wrong_response_is_refused_with_its_field(
    service: Service, change: dict[str, Any], field: str
) -> None:
    recipient = add(service)
    kept = respond(service, recipient, 9, "Good").json

    for answer in (
        post(service, "response", {"recipient_id": recipient, "rating": 1} | change),
        put(service, "response", recipient, change),
    ):
        assert (answer.status, list(answer.json["details"])) == (422, [field])
    assert service.get(f"/1/responses/{recipient}").json == kept


@pytest.mark.parametrize("recipient", [99, None, "1", True, 1.5, 10**30])
def test_a_response_needs_a_recipient_of_its_survey(service: Service, recipient: object) -> None:
    add(service)
    answer = post(service, "response", {"recipient_id": recipient, "rating": 1})

    assert (answer.status, list(answer.json["details"])) == (422, ["recipient_id"])


def test_a_recipient_of_another_survey_can_not_respond(service: Service) -> None:
    stranger = add(service, JANE, survey=2)

    assert respond(service, stranger, 9).status == 422
    assert service.get("/1/responses").json["count"] == 0


def test_a_closed_survey_takes_no_response(service: Service) -> None:
    recipient = add(service)
    respond(service, recipient, 9)
    service.send("POST", f"{NPS}/1/close")

    for answer in (
        respond(service, recipient, 1),
        put(service, "response", recipient, {"rating": 1}),
    ):
        assert (answer.status, list(answer.json["details"])) == (422, ["base"])
    assert service.get(f"/1/responses/{recipient}").json["response"]["rating"] == 9


def rated(service: Service) -> None:
    """Give the survey a promoter, a passive and a detractor, in turn with comments."""
    for rating in (10, 9, 8, 7, 6, 0):
        recipient = add(service, {"email": f"p{rating}@example.com", "name": "P"})
        respond(service, recipient, rating, "Why" if rating % 2 else None)


@pytest.mark.parametrize(
    ("query", "ratings"),
    [
        ({}, [0, 6, 7, 8, 9, 10]),
        ({"category": "promoters"}, [9, 10]),
        ({"category": "passives"}, [7, 8]),
        ({"category": "detractors"}, [0, 6]),
        ({"has_comment": "true"}, [7, 9]),
        ({"has_comment": "false"}, [0, 6, 8, 10]),
        ({"category": "promoters", "has_comment": "true"}, [9]),
    ],
)
def test_responses_are_listed_newest_first_and_filtered(
    service: Service, query: dict[str, str], ratings: list[int]
) -> None:
    rated(service)

    answer = service.get("/1/responses.json", query=query)

    assert [each["rating"] for each in answer.json["responses"]] == ratings
    assert answer.json["count"] == len(ratings)


def test_the_next_page_has_the_same_filters(service: Service) -> None:
    rated(service)

    query = {"category": "promoters", "has_comment": "true", "per_page": "1", "x": "y"}
    first = service.get("/1/responses", query=query | {"has_comment": "false", "page": "1"})
    second = service.get("/1/responses", query={"category": "promoters", "per_page": "1"})

    assert first.json["next_page"] is None
    assert second.json["next_page"] == (
        f"https://api.example.com{NPS}/1/responses?category=promoters&page=2&per_page=1"
    )


@pytest.mark.parametrize(
    "query", [{"category": "fans"}, {"category": ""}, {"has_comment": "yes"}, {"page": "0"}]
)
def test_a_filter_that_can_not_be_is_a_400(service: Service, query: dict[str, str]) -> None:
    assert service.get("/1/responses", query=query).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/9/recipients"),
        ("POST", "/9/recipients"),
        ("GET", "/9/recipients/search?email=jane@example.com"),
        ("GET", "/1/recipients/99"),
        ("GET", "/2/recipients/1"),
        ("GET", "/1/recipients/x"),
        ("PUT", "/1/recipients/99"),
        ("GET", "/9/responses"),
        ("POST", "/9/responses"),
        ("GET", "/1/responses/99"),
        ("GET", "/2/responses/1"),
        ("PUT", "/1/responses/99"),
        ("PUT", "/1/responses/x"),
    ],
)
def test_what_is_not_there_is_not_found(service: Service, method: str, path: str) -> None:
    respond(service, add(service), 9)
    plain, _, query = path.partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)

    answer = service.send(method, f"{NPS}{plain}", {"recipient": JANE}, query=pairs)

    assert (answer.status, answer.json) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/1/recipients"),
        ("POST", "/1/recipients"),
        ("GET", "/1/recipients/1"),
        ("PUT", "/1/recipients/1"),
        ("GET", "/1/responses"),
        ("POST", "/1/responses"),
        ("GET", "/1/responses/1"),
        ("PUT", "/1/responses/1"),
    ],
)
def test_another_account_finds_nothing(service: Service, method: str, path: str) -> None:
    respond(service, add(service), 9)
    body = {"recipient": MIKE, "response": {"recipient_id": 1, "rating": 0}}
    assert service.send(method, f"{NPS}{path}", body).status < 300

    service.authorization = OTHER_ACCOUNT
    answer = service.send(method, f"{NPS}{path}", body)

    assert (answer.status, answer.json) == (404, NOT_FOUND)


def test_who_vanishes_in_between_is_not_found(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    respond(service, add(service), 9)

    def refuse(error: type[Exception]) -> Any:
        def raise_it(*_: object) -> None:
            raise error

        return raise_it

    monkeypatch.setattr(service.store, "put_recipient", refuse(UnknownRecipientError))
    monkeypatch.setattr(service.store, "add_recipient", refuse(UnknownSurveyError))
    assert put(service, "recipient", 1, {"name": "x"}).status == 404
    assert post(service, "recipient", JANE).status == 404

    monkeypatch.setattr(
        service.store, "respond", lambda _account, _survey, _recipient, change: change(None)
    )
    assert put(service, "response", 1, {"rating": 1}).status == 404


def test_the_log_never_holds_who_it_is_or_what_they_said(service: Service) -> None:
    respond(service, add(service), 9, "private words")
    put(service, "recipient", 1, {"email": "private"})
    post(service, "recipient", {"email": "jane", "name": "private"})
    service.get("/1/recipients/search", query={"email": "jane@example.com"})

    log = service.log.getvalue().lower()
    assert '"refused"' in log
    for secret in ("private", "jane", "example.com"):
        assert secret not in log
