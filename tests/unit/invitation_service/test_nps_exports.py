"""What has changed since a moment, in the NPS dialect's incremental exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from functions.invitation_service import app
from invitation_service.people.records import Response, SurveyRecipient
from invitation_service.people.store import NewRecipient, Page
from invitation_service.surveys.memory import InMemoryStore
from tests.support.invitation_service import OTHER_ACCOUNT, Answer, Service

EXPORTS = "/api/v2/nps/incremental"
START = int(datetime(2026, 11, 21, 10, 22, tzinfo=UTC).timestamp())


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with survey 1 of the account `shop`. It is 10:22:00, the start of all exports."""
    made = Service()
    made.store.add_survey("shop", "After the purchase", made.now.replace(microsecond=0))
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def add(service: Service, count: int = 1) -> list[SurveyRecipient]:
    now = service.now.replace(microsecond=0)
    return [
        service.store.add_recipient(
            "shop", 1, NewRecipient(email=f"p{number}@example.com", name="P", created_at=now)
        )
        for number in range(count)
    ]


def respond(
    service: Service, recipient: SurveyRecipient, rating: int = 9, comment: str = "Good"
) -> None:
    now = service.now.replace(microsecond=0)

    def change(known: Response | None) -> Response:
        return Response(
            id=recipient.id,
            survey_id=1,
            recipient_id=recipient.id,
            rating=rating,
            comment=comment,
            created_at=known.created_at if known else now,
            updated_at=now,
        )

    service.store.respond("shop", 1, recipient.id, change)


def export(service: Service, kind: str, **query: object) -> Answer:
    texts = {name: str(value) for name, value in {"start_time": START, **query}.items()}
    return service.send("GET", f"{EXPORTS}/{kind}.json", query=texts)


def follow(service: Service, kind: str) -> list[dict[str, Any]]:
    """Follow next_page to the end, as clients do."""
    pages = [export(service, kind).json]
    while address := pages[-1]["next_page"]:
        query = dict(parse_qsl(urlsplit(address).query))
        pages.append(export(service, kind, **query).json)
    return pages


def test_a_recipient_is_exported_with_the_dialects_fields(service: Service) -> None:
    body = {"invitation": {"recipients": [{"email": "jane@example.com", "name": "Jane"}]}}
    service.invite(body)
    [jane] = add(service)
    service.later(minutes=10)

    answer = export(service, "recipients")

    assert answer.status == 200
    exported = next(each for each in answer.json["recipients"] if each["id"] == jane.id)
    assert exported == {
        "id": jane.id,
        "survey_id": 1,
        "survey_name": "After the purchase",
        "delivery_id": None,
        "user_id": jane.user_id,
        "user_email": "p0@example.com",
        "user_name": "P",
        "created_at": "2026-11-21T10:22:00Z",
        "delivered_at": None,
        "updated_at": "2026-11-21T10:22:00Z",
    }


def test_a_response_is_exported_with_who_gave_it(service: Service) -> None:
    [jane] = add(service)
    service.later(minutes=1)
    respond(service, jane)
    service.later(minutes=10)

    answer = export(service, "responses")

    assert answer.json["responses"] == [
        {
            "id": jane.id,
            "survey_id": 1,
            "survey_name": "After the purchase",
            "recipient_id": jane.id,
            "rating": 9,
            "comment": "Good",
            "rated_at": "2026-11-21T10:23:00Z",
            "delivered_at": None,
            "delivery_id": None,
            "user_id": jane.user_id,
            "user_email": "p0@example.com",
            "user_name": "P",
        }
    ]


def test_a_response_whose_recipient_is_gone_is_exported_without_a_name(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    [jane] = add(service)
    respond(service, jane)
    service.later(minutes=10)
    monkeypatch.setattr(service.store, "recipients_named", lambda *_: [])

    [exported] = export(service, "responses").json["responses"]

    assert (exported["rating"], exported["user_name"], exported["user_email"]) == (9, None, None)


@pytest.mark.parametrize("kind", ["recipients", "responses"])
def test_an_export_without_anything_begins_there_again(service: Service, kind: str) -> None:
    service.later(minutes=10)

    assert export(service, kind).json == {
        kind: [],
        "count": 0,
        "end_time": START,
        "next_page": None,
    }


@pytest.mark.parametrize("kind", ["recipients", "responses"])
def test_pages_have_a_thousand_and_the_last_one_no_next(service: Service, kind: str) -> None:
    for recipient in add(service, 2_100):
        respond(service, recipient)
    service.later(minutes=10)

    pages = follow(service, kind)

    assert [page["count"] for page in pages] == [1_000, 1_000, 100]
    assert [len(page[kind]) for page in pages] == [1_000, 1_000, 100]
    assert [bool(page["next_page"]) for page in pages] == [True, True, False]
    assert len({each["id"] for page in pages for each in page[kind]}) == 2_100
    assert pages[0]["next_page"].startswith(
        f"https://api.example.com{EXPORTS}/{kind}.json?start_time={START}&cursor="
    )


def test_a_page_with_the_longest_comments_fits_into_lambdas_answer(service: Service) -> None:
    """A function's answer has 6 MB at most, and it is JSON within JSON."""
    for recipient in add(service, 1_000):
        respond(service, recipient, comment='"' * 5_000)
    service.later(minutes=10)

    pages = [export(service, "responses")]
    while address := pages[-1].json["next_page"]:
        pages.append(export(service, "responses", **dict(parse_qsl(urlsplit(address).query))))

    assert len(pages) == 4
    assert max(len(json.dumps(page.text)) for page in pages) < 6_000_000
    assert len({each["id"] for page in pages for each in page.json["responses"]}) == 1_000


def test_exactly_a_thousand_are_the_last_page(service: Service) -> None:
    add(service, 1_000)
    service.later(minutes=10)

    answer = export(service, "recipients").json

    assert (answer["count"], answer["next_page"]) == (1_000, None)


class Gappy(InMemoryStore):
    """A store whose pages lack one record each, as an index that is not in step yet has it."""

    def changed_recipients(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[SurveyRecipient]:
        page = super().changed_recipients(account, since, after=after, limit=limit)
        return Page(page.records[1:], page.after) if limit > 1 else page


def test_a_page_with_a_next_is_full_even_where_the_store_has_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that gets fewer than a thousand takes them for the last."""
    service = Service(store=Gappy())
    service.store.add_survey("shop", "After the purchase", service.now)
    api = service.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    add(service, 2_500)
    service.later(minutes=10)

    pages = follow(service, "recipients")

    assert [page["count"] for page in pages[:-1]] == [1_000, 1_000]
    assert pages[-1]["next_page"] is None


def test_the_end_is_when_the_last_of_the_page_changed(service: Service) -> None:
    add(service)
    service.later(minutes=10)
    add(service)
    service.later(minutes=10)

    answer = export(service, "recipients").json

    assert answer["end_time"] == START + 600
    assert export(service, "recipients", start_time=START + 600).json["count"] == 1
    assert export(service, "recipients", start_time=START + 601).json["count"] == 0


def test_the_end_lies_five_minutes_back_so_that_nothing_late_is_missed(service: Service) -> None:
    service.later(minutes=10)
    add(service)

    answer = export(service, "recipients").json

    assert answer["count"] == 1
    assert answer["end_time"] == START + 300
    assert export(service, "recipients", start_time=answer["end_time"]).json["count"] == 1


def test_a_start_within_five_minutes_is_refused(service: Service) -> None:
    service.later(minutes=5)

    assert export(service, "recipients", start_time=START).status == 200
    for start in (START + 1, START + 300, 99_999_999_999):
        answer = export(service, "recipients", start_time=start)
        assert (answer.status, answer.json["error"]) == (422, "RecordInvalid")
        assert list(answer.json["details"]) == ["start_time"]


@pytest.mark.parametrize("start", ["", "x", "-1", "1.5", "9" * 12, "²"])
def test_a_start_that_is_no_time_is_a_400(service: Service, start: str) -> None:
    answer = export(service, "responses", start_time=start)

    assert (answer.status, answer.json["error"]) == (400, "InvalidStartTime")


def test_a_start_is_mandatory(service: Service) -> None:
    assert service.send("GET", f"{EXPORTS}/recipients").status == 400


@pytest.mark.parametrize("cursor", ["", "x", "2026#1#2", "A#other#R"])
def test_a_cursor_that_is_none_of_ours_is_a_400(service: Service, cursor: str) -> None:
    service.later(minutes=10)

    answer = export(service, "recipients", cursor=cursor)

    assert (answer.status, answer.json["error"]) == (400, "InvalidCursor")


@pytest.mark.parametrize("kind", ["recipients", "responses"])
def test_another_account_exports_nothing_of_ours(service: Service, kind: str) -> None:
    for recipient in add(service, 3):
        respond(service, recipient)
    service.later(minutes=10)
    assert export(service, kind).json["count"] == 3

    service.authorization = OTHER_ACCOUNT

    assert export(service, kind).json["count"] == 0


def test_an_export_wants_to_know_who_calls(service: Service) -> None:
    service.authorization = None

    assert export(service, "recipients").status == 401
