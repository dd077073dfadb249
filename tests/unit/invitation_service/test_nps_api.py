from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.invitation_service import app
from invitation_service.surveys.memory import InMemoryStore
from invitation_service.surveys.models import Status
from invitation_service.surveys.service import KEYS_ARE_KEPT
from invitation_service.surveys.store import KeyTakenError, StoreBusyError, UnknownSurveyError
from tests.support.invitation_service import ADMIN, AGENT, OTHER_ACCOUNT, Answer, Service, basic

if TYPE_CHECKING:
    from invitation_service.surveys.models import Invitation
    from invitation_service.surveys.store import NewInvitation


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with one survey, number 1, of the account `shop`."""
    made = Service()
    made.store.add_survey("shop", "After the purchase", made.now.replace(microsecond=0))
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


JANE = {"email": "jane@example.com", "language": "en-US", "name": "Jane Doe"}
MIKE = {"email": "mike@example.com", "language": "en-US", "name": "Mike Smith"}
SEED = {"invitation": {"recipients": [JANE, MIKE]}}
NOT_FOUND = {"error": "RecordNotFound", "description": "Not found"}


def recipients(*people: object) -> dict[str, Any]:
    return {"invitation": {"recipients": list(people)}}


def many(count: int) -> dict[str, Any]:
    return recipients(*({"email": f"p{n}@example.com", "name": "P"} for n in range(count)))


def test_create_answers_what_the_seed_shows(service: Service) -> None:
    answer = service.invite(SEED)

    assert answer.status == 201
    assert answer.json == {
        "invitation": {
            "created_at": "2026-11-21T10:22:00Z",
            "id": 1,
            "survey_id": 1,
            "updated_at": "2026-11-21T10:22:00Z",
        }
    }
    assert answer.headers == {
        "Content-Type": "application/json; charset=utf-8",
        "X-Rate-Limit": "700",
        "X-Rate-Limit-Remaining": "699",
        "ratelimit-limit": "700",
        "ratelimit-remaining": "699",
        "ratelimit-reset": "60",
    }


def test_every_invitation_gets_the_next_id_whatever_its_survey(service: Service) -> None:
    service.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "Another"}})

    ids = [service.invite(SEED, survey).json["invitation"]["id"] for survey in (1, 2, 1)]

    assert ids == [1, 2, 3]


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_the_suffix_is_optional(service: Service, suffix: str) -> None:
    path = "/api/v2/nps/surveys/1"
    statuses = [
        service.send("POST", f"{path}/invitations{suffix}", SEED).status,
        service.send("GET", f"{path}/invitations{suffix}").status,
        service.send("GET", f"{path}/invitations/1{suffix}").status,
        service.send("GET", f"{path}{suffix}").status,
    ]

    assert statuses == [201, 200, 200, 200]


def test_a_path_prefix_of_a_custom_domain_is_no_matter(service: Service) -> None:
    assert service.send("GET", "/invitations/api/v2/nps/surveys/1").status == 200


def test_a_body_without_content_type_arrives_in_base64(service: Service) -> None:
    encoded = base64.b64encode(json.dumps(SEED).encode()).decode()

    answer = service.send("POST", "/api/v2/nps/surveys/1/invitations", encoded, is_base64=True)

    assert answer.status == 201
    assert [each.name for each in service.store.recipients("shop", 1, 1)] == [
        "Jane Doe",
        "Mike Smith",
    ]


def test_a_name_is_kept_as_it_came(service: Service) -> None:
    name = '<b>Žofie</b> & "李" 🦊'

    service.invite(recipients({"email": "zofie@example.com", "name": f"  {name} "}))

    assert [each.name for each in service.store.recipients("shop", 1, 1)] == [name]


def test_a_repeated_address_counts_once_and_the_first_wins(service: Service) -> None:
    service.invite(recipients(JANE, MIKE, {"email": "JANE@Example.com", "name": "Again"}))

    assert service.get("/1/invitations/1").json["invitation"]["recipients_count"] == 2
    assert [each.name for each in service.store.recipients("shop", 1, 1)] == [
        "Jane Doe",
        "Mike Smith",
    ]


def test_ten_thousand_recipients_are_welcome(service: Service) -> None:
    assert service.invite(many(10_000)).status == 201
    assert service.get("/1/invitations/1").json["invitation"]["recipients_count"] == 10_000


def test_one_recipient_more_is_too_many_even_if_it_is_a_repetition(service: Service) -> None:
    body = many(10_000)
    body["invitation"]["recipients"].append(JANE)

    answer = service.invite(body)

    assert answer.status == 400
    assert answer.json == {
        "error": "TooManyValues",
        "description": "Maximum 10000 recipients may be invited per call",
        "max_count": 10_000,
    }


@pytest.mark.parametrize(
    "body", ["", "{", "nonsense", '{"invitation": NaN}', "\ufeff{}", "[" * 5_000, "\ud800"]
)
def test_what_is_no_json_is_said_to_be_none(service: Service, body: str) -> None:
    answer = service.invite(body)

    assert answer.status == 400
    assert answer.json["error"] == "InvalidJson"


@pytest.mark.parametrize("body", ["not base64!", base64.b64encode(b"\xff\xfe").decode()])
def test_bytes_that_are_no_text_are_said_to_be_none(service: Service, body: str) -> None:
    answer = service.send("POST", "/api/v2/nps/surveys", body, is_base64=True)

    assert answer.status == 400
    assert answer.json["error"] == "InvalidJson"


def test_one_wrong_recipient_is_named_and_nobody_is_invited(service: Service) -> None:
    answer = service.invite(recipients(JANE, {"email": "private", "name": "\u00a0"}))

    assert answer.status == 422
    assert answer.json == {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {
            "recipients[1].email": [
                {"description": "Email: is not a valid address", "error": "InvalidValue"}
            ],
            "recipients[1].name": [{"description": "Name: cannot be blank", "error": "BlankValue"}],
        },
    }
    assert service.get("/1/invitations").json["count"] == 0


def test_an_unknown_survey_is_not_found_whatever_the_body(service: Service) -> None:
    for body in (SEED, "nonsense", {}):
        answer = service.invite(body, survey=2)
        assert (answer.status, answer.json) == (404, NOT_FOUND)


def test_the_same_key_and_body_give_the_first_answer_again(service: Service) -> None:
    first = service.invite(SEED, key="key-1")
    service.later(hours=47)
    second = service.invite(SEED, key="key-1")

    assert first.headers["x-idempotency-lookup"] == "miss"
    assert second.headers["x-idempotency-lookup"] == "hit"
    assert (second.status, second.json) == (201, first.json)
    assert service.get("/1/invitations").json["count"] == 1


def test_the_same_key_with_another_body_is_refused(service: Service) -> None:
    service.invite(SEED, key="key-1")

    answer = service.invite(recipients(JANE), key="key-1")

    assert answer.status == 400
    assert answer.json == {
        "error": "IdempotentRequestError",
        "description": "Request parameters don't match the given idempotency key",
    }
    assert service.get("/1/invitations").json["count"] == 1


def test_a_body_that_was_good_once_is_not_judged_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = service.invite(SEED, key="key-1")
    monkeypatch.setattr("invitation_service.surveys.bodies.MAX_RECIPIENTS", 1)

    assert service.invite(SEED, key="key-1").json == first.json
    assert service.invite(SEED, key="key-2").status == 400


def test_a_call_that_was_refused_leaves_its_key_free(service: Service) -> None:
    assert service.invite({}, key="key-1").status == 422
    assert service.invite(SEED, key="key-1").headers["x-idempotency-lookup"] == "miss"


def test_without_a_key_the_same_body_invites_again(service: Service) -> None:
    answers = [service.invite(SEED), service.invite(SEED), service.invite(SEED, key="  ")]

    assert [answer.json["invitation"]["id"] for answer in answers] == [1, 2, 3]
    assert not [each for each in answers if "x-idempotency-lookup" in each.headers]


def test_a_key_is_kept_for_thirty_days_by_our_clock(service: Service) -> None:
    service.invite(SEED, key="key-1")

    service.now += KEYS_ARE_KEPT - timedelta(seconds=1)
    assert service.invite(SEED, key="key-1").json["invitation"]["id"] == 1
    service.now += timedelta(seconds=1)
    assert service.invite(SEED, key="key-1").json["invitation"]["id"] == 2


def test_keys_of_surveys_and_accounts_do_not_meet(service: Service) -> None:
    service.store.add_survey("shop", "Another", service.now)
    service.store.add_survey("other", "Theirs", service.now)
    service.invite(SEED, key="key-1")

    assert service.invite(recipients(JANE), survey=2, key="key-1").status == 201
    service.authorization = OTHER_ACCOUNT
    assert service.invite(recipients(MIKE), key="key-1").status == 201


class Overtaken(InMemoryStore):
    """A store in which another call with the same key is first, after this one has looked."""

    overtake: bool = False
    with_fingerprint: str = ""

    def add_invitation(self, account: str, survey_id: int, new: NewInvitation) -> Invitation:
        if self.overtake and new.idempotency:
            fingerprint = self.with_fingerprint or new.idempotency.fingerprint
            other = replace(new, idempotency=replace(new.idempotency, fingerprint=fingerprint))
            super().add_invitation(account, survey_id, other)
        return super().add_invitation(account, survey_id, new)


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service(store=Overtaken())
    made.store.add_survey("shop", "After the purchase", made.now)
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    monkeypatch.setattr(Overtaken, "overtake", True)
    return made


def test_the_second_of_two_concurrent_calls_gets_the_answer_of_the_first(
    overtaken: Service,
) -> None:
    answer = overtaken.invite(SEED, key="key-1")

    assert answer.json["invitation"]["id"] == 1
    assert answer.headers["x-idempotency-lookup"] == "hit"
    assert overtaken.get("/1/invitations").json["count"] == 1


def test_the_second_of_two_concurrent_calls_is_refused_if_its_body_differs(
    overtaken: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Overtaken, "with_fingerprint", "another")

    assert overtaken.invite(SEED, key="key-1").json["error"] == "IdempotentRequestError"


@pytest.mark.parametrize("refusal", [KeyTakenError, StoreBusyError])
def test_a_store_that_did_nothing_is_a_503_that_says_when_to_come_again(
    service: Service, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
) -> None:
    def refuse(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(service.store, "add_invitation", refuse)

    answer = service.invite(SEED, key="key-1")

    assert answer.json["error"] == "ServiceUnavailable"
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_survey_that_vanished_after_the_look_up_is_not_found(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnknownSurveyError

    monkeypatch.setattr(service.store, "add_invitation", refuse)

    assert service.invite(SEED).status == 404


def test_a_store_that_cannot_be_read_is_a_503_too(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreBusyError

    monkeypatch.setattr(service.store, "survey", refuse)

    assert service.get("/1").status == 503
    assert "StoreBusyError" in service.log.getvalue()


def test_an_empty_list_has_all_its_fields(service: Service) -> None:
    answer = service.get("/1/invitations")

    assert answer.status == 200
    assert answer.json == {
        "invitations": [],
        "next_page": None,
        "previous_page": None,
        "count": 0,
    }


def test_a_list_shows_the_newest_first_without_survey_id(service: Service) -> None:
    service.invite(SEED)
    service.later(seconds=5)
    service.invite(recipients(JANE))

    assert service.get("/1/invitations").json["invitations"] == [
        {
            "created_at": "2026-11-21T10:22:05Z",
            "id": 2,
            "recipients_count": 1,
            "status": "preparing",
            "updated_at": "2026-11-21T10:22:05Z",
        },
        {
            "created_at": "2026-11-21T10:22:00Z",
            "id": 1,
            "recipients_count": 2,
            "status": "preparing",
            "updated_at": "2026-11-21T10:22:00Z",
        },
    ]


def ids(answer: Answer) -> list[int]:
    return [invitation["id"] for invitation in answer.json["invitations"]]


def test_pages_lead_to_one_another(service: Service) -> None:
    for _ in range(5):
        service.invite(SEED)
    list_address = "https://api.example.com/api/v2/nps/surveys/1/invitations.json"

    pages = [
        service.get("/1/invitations.json", query={"page": str(page), "per_page": "2"})
        for page in (1, 2, 3)
    ]

    assert [ids(page) for page in pages] == [[5, 4], [3, 2], [1]]
    assert {page.json["count"] for page in pages} == {5}
    assert [page.json["next_page"] for page in pages] == [
        f"{list_address}?page=2&per_page=2",
        f"{list_address}?page=3&per_page=2",
        None,
    ]
    assert [page.json["previous_page"] for page in pages] == [
        None,
        f"{list_address}?page=1&per_page=2",
        f"{list_address}?page=2&per_page=2",
    ]


def test_a_page_holds_a_hundred_at_most(service: Service) -> None:
    for _ in range(101):
        service.invite(recipients(JANE))

    default = service.get("/1/invitations")
    greedy = service.get("/1/invitations", query={"per_page": "1000"})

    assert len(ids(default)) == len(ids(greedy)) == 100
    assert default.json["next_page"].endswith("/invitations?page=2")
    assert ids(service.get("/1/invitations", query={"page": "2"})) == [1]


def test_a_page_after_the_last_is_empty(service: Service) -> None:
    service.invite(SEED)

    answer = service.get("/1/invitations", query={"page": "9"})

    assert (answer.status, ids(answer), answer.json["next_page"]) == (200, [], None)


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "101"}, {"per_page": "many"}])
def test_a_page_that_cannot_be_is_a_400(service: Service, query: dict[str, str]) -> None:
    assert service.get("/1/invitations", query=query).status == 400


def test_show_answers_what_the_seed_shows_less_what_has_not_happened(service: Service) -> None:
    service.invite(SEED)

    answer = service.get("/1/invitations/1")

    assert answer.status == 200
    assert answer.json == {
        "invitation": {
            "created_at": "2026-11-21T10:22:00Z",
            "id": 1,
            "recipients_count": 2,
            "status": "preparing",
            "updated_at": "2026-11-21T10:22:00Z",
        }
    }


@pytest.mark.parametrize(
    "path",
    [
        "/1/invitations/2",
        "/2/invitations/1",
        "/2/invitations",
        "/2",
        "/1/invitations/x",
        "/x/invitations/1",
        "/x",
        "/1.0",
        "/-1",
        "/+1",
        "/\N{ARABIC-INDIC DIGIT ONE}",
        "/1.json/invitations",
        f"/{'9' * 30}",
        f"/1/invitations/{'9' * 5_000}",
    ],
)
def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    service.invite(SEED)

    answer = service.get(path)

    assert (answer.status, answer.json) == (404, NOT_FOUND)


@pytest.mark.parametrize("path", ["/1", "/1/invitations", "/1/invitations/1"])
def test_another_account_finds_nothing(service: Service, path: str) -> None:
    service.invite(SEED)
    assert service.get(path).status == 200

    service.authorization = OTHER_ACCOUNT

    assert (service.get(path).status, service.get(path).json) == (404, NOT_FOUND)
    assert service.invite(SEED).status == 404


def test_a_survey_is_created_and_shown(service: Service) -> None:
    created = service.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "After signup"}})

    assert created.status == 201
    assert created.json == {
        "survey": {
            "created_at": "2026-11-21T10:22:00Z",
            "id": 2,
            "name": "After signup",
            "status": "open",
            "updated_at": "2026-11-21T10:22:00Z",
            "subject": "",
            "email_subject": "",
            "intro_text": "",
            "comments_question": "",
            "highlight_color": "#77a500",
            "relationship_id": 0,
            "delivery_method": "email",
            "from_email_id": None,
        }
    }
    shown = service.get("/2")
    assert (shown.status, shown.json) == (200, created.json)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "survey"),
        ({"survey": None}, "survey"),
        ({"survey": {}}, "name"),
        ({"survey": {"name": ""}}, "name"),
        ({"survey": {"name": 7}}, "name"),
        ({"survey": {"name": "a\r\nb"}}, "name"),
    ],
)
def test_a_survey_needs_a_name(service: Service, body: object, field: str) -> None:
    answer = service.send("POST", "/api/v2/nps/surveys", body)

    assert answer.status == 422
    assert list(answer.json["details"]) == [field]


def test_every_route_wants_to_know_who_calls(service: Service) -> None:
    service.authorization = None

    answers = [
        service.get("/1"),
        service.get("/1/invitations"),
        service.get("/1/invitations/1"),
        service.invite(SEED),
        service.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "x"}}),
    ]

    assert {answer.status for answer in answers} == {401}
    assert answers[0].json == {"error": "Couldn't authenticate you"}


def test_who_is_no_admin_is_forbidden_everything(service: Service) -> None:
    service.authorization = AGENT

    answers = [service.get("/1"), service.get("/1/invitations"), service.invite(SEED)]

    assert {answer.status for answer in answers} == {403}
    assert answers[0].json == {
        "error": {
            "title": "Forbidden",
            "message": "Access to this resource is restricted. "
            "Please contact the account administrator for assistance.",
        }
    }


@pytest.mark.parametrize("path", ["/", "", "/api/v2/users", "/api/v2/nps/surveys/1/reminders"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_an_unknown_path_is_a_404_in_json(service: Service, method: str, path: str) -> None:
    answer = service.send(method, path)

    assert (answer.status, answer.json) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/1/invitations"),
        ("PUT", "/1/invitations"),
        ("DELETE", "/1/invitations/1"),
        ("POST", "/1/invitations/1"),
        ("PATCH", "/1"),
        ("DELETE", ""),
    ],
)
def test_an_unknown_method_is_a_405_in_json(service: Service, method: str, path: str) -> None:
    answer = service.send(method, f"/api/v2/nps/surveys{path}")

    assert answer.status == 405
    assert answer.json["error"] == "MethodNotAllowed"


def test_what_nobody_foresaw_is_a_500_without_its_text(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("jane@example.com")

    monkeypatch.setattr(service.store, "add_invitation", explode)

    answer = service.invite(SEED)

    assert answer.status == 500
    assert answer.json["error"] == "InternalError"
    assert "RuntimeError" in service.log.getvalue()
    assert "jane" not in service.log.getvalue() + answer.text


def test_only_429_and_503_say_when_to_come_again_and_nothing_names_a_location(
    service: Service,
) -> None:
    service.invite(SEED, key="key-1")
    answers = [
        service.invite(SEED, key="key-1"),
        service.invite(SEED, key="key-2"),
        service.invite({}),
        service.invite("nonsense"),
        service.invite(SEED, survey=9),
        service.get("/1/invitations"),
        service.send("PATCH", "/api/v2/nps/surveys/1"),
        service.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "x"}}),
    ]

    names = {name.lower() for answer in answers for name in answer.headers}
    assert names == {
        "content-type",
        "x-idempotency-lookup",
        "x-rate-limit",
        "x-rate-limit-remaining",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
    }
    assert {answer.headers["Content-Type"] for answer in answers} == {
        "application/json; charset=utf-8"
    }


def test_the_log_never_holds_what_a_client_sent(service: Service) -> None:
    path = "/api/v2/nps/surveys/1/invitations"
    service.invite(SEED, key="private-key")
    service.invite(recipients({"email": "private", "name": "personal"}))
    service.invite("private")
    service.send("GET", path, query={"page": "private"})
    service.send("GET", "/private")
    service.authorization = basic("private@example.com", "private")
    service.invite(SEED)

    log = service.log.getvalue().lower()
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) == 6
    assert {line["request"] for line in lines} == {"request-1"}
    for secret in ("private", "personal", "jane", "example.com", "token-1", "basic"):
        assert secret not in log


def test_a_configured_address_replaces_the_host(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = service.api(public_url="http://127.0.0.1:4566/_aws/execute-api/{api_id}")
    monkeypatch.setattr(app, "_api", lambda: api)

    answer = service.get("/1/invitations", query={"page": "2"})

    assert answer.json["previous_page"] == (
        "http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4e5/api/v2/nps/surveys/1/invitations?page=1"
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
PERSON = st.dictionaries(
    st.sampled_from(["email", "name", "language", "x"]), ANYTHING | st.emails(), max_size=4
)
BODY = (
    ANYTHING
    | st.builds(lambda inner: {"invitation": inner}, ANYTHING)
    | st.builds(lambda inner: {"invitation": {"recipients": inner}}, ANYTHING)
    | st.builds(lambda people: recipients(*people), st.lists(PERSON | ANYTHING, max_size=5))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=BODY)
def test_no_json_is_a_fault_of_ours(service: Service, body: object) -> None:
    answer = service.invite(json.dumps(body))

    assert answer.status in {201, 400, 422}
    assert answer.json


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(st.characters()))
def test_no_request_is_a_fault_of_ours(service: Service, text: str) -> None:
    service.authorization = ADMIN
    assert service.invite(text, key=text).status < 500
    assert service.get(f"/{text}").status < 500
    assert service.get("/1/invitations", query={"page": text}).status in {200, 400}
    service.authorization = text
    assert service.get("/1").status == 401


SAMPLES = Path(__file__).parents[3] / "events" / "api"


@pytest.mark.parametrize(
    ("sample", "status"),
    [
        ("create_survey", 201),
        ("show_survey", 200),
        ("create_invitation", 201),
        ("list_invitations", 200),
        ("show_invitation", 200),
    ],
)
def test_sample_events_are_answered(service: Service, sample: str, status: int) -> None:
    service.invite(SEED)
    request = json.loads((SAMPLES / f"{sample}.json").read_text())
    request["headers"]["authorization"] = ADMIN

    assert service.handle(request).status == status


def test_the_statuses_are_those_of_the_dialect() -> None:
    assert {*Status} == {"delivered", "failed", "preparing", "scheduled", "zero_recipients"}
