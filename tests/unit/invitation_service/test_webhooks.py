"""The Netquest dialect, through the Lambda handler."""

from __future__ import annotations

import base64
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.invitation_service import app
from invitation_service.aws import quiet_libraries
from invitation_service.directory.records import Respondent, Template
from invitation_service.netquest.webhooks import REPEATS_COUNT_ONCE_FOR
from invitation_service.surveys.memory import InMemoryStore
from invitation_service.surveys.models import Mailing, Status
from invitation_service.surveys.store import KeyTakenError, StoreBusyError, UnknownSurveyError
from tests.support.invitation_service import ADMIN, WEBHOOK, Answer, Service, event

if TYPE_CHECKING:
    from invitation_service.surveys.models import Invitation

# Netquest's own example, word for word.
GOLDEN = (
    "/webhooks/387487/TUwNjNDg3M/84b750d6956f02503015938fc38bfe36/send-invitation-to-token"
    "?id_survey=419349&id_template=1833&token=81a2B7&delay=15&footer=0"
)
HOOKS, TO_TOKEN = GOLDEN.partition("?")[0].rsplit("/", 1)
GOLDEN_QUERY = dict(parse_qsl(GOLDEN.partition("?")[2]))
SUCCESS = {"type": "success", "msg": "Invitation has been scheduled"}
NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)


def error(msg: str) -> dict[str, str]:
    return {"type": "error", "msg": msg}


def seed(store: InMemoryStore) -> None:
    store.put_survey("shop", 419349, "Satisfaction", NOW)
    store.put_template("shop", Template(id=1833, subject="Hello", text="[LINK]", updated_at=NOW))
    store.put_respondent("shop", Respondent(token="81a2B7", email=JANE, updated_at=NOW))


JANE = "jane@example.com"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that knows what Netquest's example names."""
    made = Service()
    seed(made.store)
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return made


def request(
    method: str, path: str, query: str = "", form: str | bytes | None = None
) -> dict[str, Any]:
    """API Gateway hands over a form in base64."""
    raw = form.encode() if isinstance(form, str) else form
    body = None if raw is None else base64.b64encode(raw).decode()
    headers = {"content-type": "application/x-www-form-urlencoded"} if form else {}
    made = event(method, path, body=body, headers=headers, is_base64=body is not None)
    return {**made, "rawQueryString": query}


def get(service: Service, path: str) -> Answer:
    path, _, query = path.partition("?")
    return service.handle(request("GET", path, query))


def post(service: Service, path: str, form: str | bytes | None) -> Answer:
    path, _, query = path.partition("?")
    return service.handle(request("POST", path, query, form))


def to_token(service: Service, **changes: str | None) -> Answer:
    """Call as in the example, but for the changes; None leaves a parameter out."""
    parameters = {**GOLDEN_QUERY, **changes}
    given = {name: value for name, value in parameters.items() if value is not None}
    return get(service, f"{HOOKS}/{TO_TOKEN}?{urlencode(given)}")


def to_address(service: Service, **parameters: str) -> Answer:
    ids = {"id_survey": "419349", "id_template": "1833"}
    return get(service, f"{HOOKS}/send-invitation?{urlencode({**ids, **parameters})}")


def invitations(service: Service) -> list[Invitation]:
    return service.store.invitations("shop", 419349, offset=0, limit=100)


def mailings(service: Service) -> list[Mailing]:
    return [each.mailing for each in invitations(service) if each.mailing]


def as_post(service: Service) -> Answer:
    path, _, form = GOLDEN.partition("?")
    return post(service, path, form)


def as_post_with_query(service: Service) -> Answer:
    return post(service, GOLDEN, None)


def as_get(service: Service) -> Answer:
    return get(service, GOLDEN)


@pytest.mark.parametrize("call", [as_get, as_post, as_post_with_query])
def test_the_example_of_the_source_invites_word_for_word(service: Service, call: Any) -> None:
    answer = call(service)

    assert (answer.status, answer.json) == (200, SUCCESS)
    assert answer.headers == {"Content-Type": "application/json; charset=utf-8"}
    [invitation] = invitations(service)
    assert (invitation.status, invitation.recipients_count) == (Status.SCHEDULED, 1)
    assert invitation.created_at == NOW
    assert invitation.mailing == Mailing(
        token="81a2B7", template_id=1833, due_at=NOW + timedelta(minutes=15), footer=False
    )


def test_without_delay_and_footer_it_is_due_at_once_with_the_footer(service: Service) -> None:
    assert to_token(service, delay=None, footer=None).json == SUCCESS

    [mailing] = mailings(service)
    assert (mailing.due_at, mailing.footer) == (NOW, True)


def test_an_empty_delay_or_footer_is_none(service: Service) -> None:
    assert to_token(service, delay="", footer="").json == SUCCESS

    [mailing] = mailings(service)
    assert (mailing.due_at, mailing.footer) == (NOW, True)


def test_a_form_goes_before_the_query_and_the_last_counts(service: Service) -> None:
    form = urlencode([("delay", "30"), ("delay", "45"), ("footer", "1")])

    assert post(service, GOLDEN, form).json == SUCCESS

    [mailing] = mailings(service)
    assert (mailing.due_at, mailing.footer) == (NOW + timedelta(minutes=45), True)


def test_a_get_has_no_form(service: Service) -> None:
    sent = request("GET", GOLDEN.partition("?")[0], GOLDEN.partition("?")[2], "delay=999")

    assert service.handle(sent).json == SUCCESS
    assert mailings(service)[0].due_at == NOW + timedelta(minutes=15)


def test_a_base_path_in_front_is_no_matter(service: Service) -> None:
    assert get(service, f"/invitations{GOLDEN}").json == SUCCESS


def test_an_invitation_by_webhook_is_seen_in_the_nps_dialect(service: Service) -> None:
    to_token(service)

    shown = service.get("/419349/invitations").json

    assert shown["invitations"] == [
        {
            "created_at": "2026-11-21T10:22:00Z",
            "id": 1,
            "recipients_count": 1,
            "status": "scheduled",
            "updated_at": "2026-11-21T10:22:00Z",
        }
    ]


@pytest.mark.parametrize("name", ["id_survey", "id_template", "token"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_parameter_is_named(service: Service, name: str, value: str | None) -> None:
    answer = to_token(service, **{name: value})

    assert (answer.status, answer.json) == (200, error(f"{name} is missing"))
    assert invitations(service) == []


@pytest.mark.parametrize(
    ("name", "value", "msg"),
    [
        ("id_survey", "x", "id_survey is not valid"),
        ("id_survey", "9" * 30, "id_survey is not valid"),
        ("id_survey", "1", "Survey not found"),
        ("id_template", "-1", "id_template is not valid"),
        ("id_template", "1", "Template not found"),
        ("delay", "soon", "delay is not valid"),
        ("delay", "-1", "delay is not valid"),
        ("delay", "1.5", "delay is not valid"),
        ("delay", "525601", "delay is not valid"),
        ("delay", "٣", "delay is not valid"),
        ("delay", "9" * 5_000, "delay is not valid"),
        ("footer", "no", "footer is not valid"),
        ("token", "unknown", "token not found"),
        ("token", "81A2b7", "token not found"),
        ("token", "x" * 5_000, "token not found"),
        ("token", "81a2B7\n", "token not found"),
    ],
)
def test_what_cannot_be_is_said_in_words_of_ours(
    service: Service, name: str, value: str, msg: str
) -> None:
    answer = to_token(service, **{name: value})

    assert (answer.status, answer.json) == (200, error(msg))
    assert invitations(service) == []


def test_the_longest_delay_is_a_year(service: Service) -> None:
    assert to_token(service, delay="525600").json == SUCCESS
    assert mailings(service)[0].due_at == NOW + timedelta(days=365)


def test_unknown_parameters_are_ignored(service: Service) -> None:
    assert to_token(service, reminder="24", labels="x").json == SUCCESS


def test_too_many_parameters_are_refused(service: Service) -> None:
    many = "&".join(f"p{number}=1" for number in range(101))

    assert get(service, f"{GOLDEN}&{many}").json == error("Too many parameters")
    assert post(service, GOLDEN, many).json == error("Too many parameters")


def test_a_form_that_is_no_base64_is_refused(service: Service) -> None:
    sent = {**request("POST", f"{HOOKS}/{TO_TOKEN}", form="x=1"), "body": "not base64!"}

    assert service.handle(sent).json == error("The form is not readable")


def test_a_closed_survey_invites_nobody(service: Service) -> None:
    service.store.update_survey("shop", 419349, {"status": "closed"}, service.now)

    assert to_token(service).json == error("Survey is closed")
    assert to_address(service, email="new@example.com").json == error("Survey is closed")
    assert invitations(service) == []
    assert service.store.respondent_at("shop", "new@example.com") is None


def test_who_unsubscribed_is_not_found(service: Service) -> None:
    service.store.set_unsubscribed("shop", JANE, unsubscribed=True)

    for answer in (to_token(service), to_address(service, email="Jane@Example.com")):
        assert (answer.status, answer.json) == (200, error("Respondents not found"))
    assert invitations(service) == []


@pytest.mark.parametrize(
    ("period", "still", "free"),
    [
        ("month", "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"),
        ("day", "2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z"),
    ],
)
def test_a_quota_is_used_up_until_its_period_ends(
    service: Service, period: str, still: str, free: str
) -> None:
    service.webhook_accounts = [{**WEBHOOK, "quota": {"limit": 2, "period": period}}]

    def call(number: int) -> Answer:
        return to_address(service, email=f"person-{number}@example.com")

    reached = error("Invitations limit has been reached")
    assert [call(number).json for number in range(3)] == [SUCCESS, SUCCESS, reached]
    service.now = datetime.fromisoformat(still)
    assert (call(3).status, call(3).json) == (200, reached)
    service.now = datetime.fromisoformat(free)
    assert call(4).json == SUCCESS
    assert len(invitations(service)) == 3


def test_a_repeated_call_gets_the_same_answer_and_invites_nobody(service: Service) -> None:
    service.webhook_accounts = [{**WEBHOOK, "quota": {"limit": 1}}]

    answers = [to_token(service), as_post(service)]
    service.now += REPEATS_COUNT_ONCE_FOR - timedelta(seconds=1)
    answers.append(to_token(service))

    assert [answer.json for answer in answers] == [SUCCESS] * 3
    assert len(invitations(service)) == 1
    repeated = [json.loads(line)["repeated"] for line in service.log.getvalue().splitlines()]
    assert repeated == [False, True, True]


def test_an_hour_later_the_same_call_invites_again(service: Service) -> None:
    to_token(service)
    service.now += REPEATS_COUNT_ONCE_FOR

    assert to_token(service).json == SUCCESS
    assert len(invitations(service)) == 2


@pytest.mark.parametrize("change", [{"delay": "0"}, {"footer": "1"}, {"id_template": "2"}])
def test_a_second_call_that_wants_something_else_is_refused(
    service: Service, change: dict[str, str]
) -> None:
    service.store.put_template("shop", Template(id=2, subject="x", text="x", updated_at=NOW))
    to_token(service)

    assert to_token(service, **change).json == error("Respondent has just been invited")
    assert len(invitations(service)) == 1


def test_surveys_and_respondents_do_not_get_in_each_others_way(service: Service) -> None:
    service.store.put_survey("shop", 5, "Another", NOW)
    service.store.put_respondent(
        "shop", Respondent(token="m1", email="mike@example.com", updated_at=NOW)
    )

    answers = [to_token(service), to_token(service, token="m1"), to_token(service, id_survey="5")]

    assert [answer.json for answer in answers] == [SUCCESS] * 3


def test_both_webhooks_know_a_repetition_of_each_other(service: Service) -> None:
    to_token(service)

    assert to_address(service, email=JANE, delay="15", footer="0").json == SUCCESS
    assert len(invitations(service)) == 1


class Overtaken(InMemoryStore):
    """A store whose key is free again just after it was taken."""

    def add_invitation(self, *_: object) -> Invitation:
        raise KeyTakenError


def test_a_repetition_whose_first_call_vanished_is_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Service(store=Overtaken())
    seed(made.store)
    api = made.api()
    monkeypatch.setattr(app, "_api", lambda: api)

    assert to_token(made).status == 503


def test_an_address_is_invited_and_known_from_then_on(service: Service) -> None:
    answer = to_address(service, email="Mike+x@Example.com", l1="Mike", l15="VIP", l16="x")

    assert answer.json == SUCCESS
    mike = service.store.respondent_at("shop", "mike+x@example.com")
    assert mike
    assert mike.labels == {"l1": "Mike", "l15": "VIP"}
    [mailing] = mailings(service)
    assert mailing.token == mike.token
    assert len(mike.token) >= 32, "nobody guesses it"


def test_an_address_that_is_known_keeps_its_token_and_gets_the_labels(service: Service) -> None:
    service.store.put_respondent(
        "shop",
        Respondent(token="81a2B7", email=JANE, labels={"l1": "J", "l2": "D"}, updated_at=NOW),
    )
    service.later(days=1)

    assert to_address(service, email=JANE, l1="Jane").json == SUCCESS

    jane = service.store.respondent_at("shop", JANE)
    assert jane
    assert (jane.token, jane.labels) == ("81a2B7", {"l1": "Jane", "l2": "D"})
    assert jane.updated_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("parameters", "msg"),
    [
        ({}, "email is missing"),
        ({"email": ""}, "email is missing"),
        ({"email": "nonsense"}, "invalid e-mail address"),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, "invalid e-mail address"),
        ({"email": JANE, "l3": "a\nb"}, "l3 is not valid"),
        ({"email": JANE, "l3": "x" * 256}, "l3 is not valid"),
        ({"email": "mike@example.com", "id_survey": "1"}, "Survey not found"),
    ],
)
def test_an_address_that_cannot_be_invited_is_not_kept(
    service: Service, parameters: dict[str, str], msg: str
) -> None:
    before = dict(service.store._respondents)

    assert to_address(service, **parameters).json == error(msg)

    assert service.store._respondents == before
    assert invitations(service) == []


@pytest.mark.parametrize(
    "path",
    [
        HOOKS.replace("387487", "387488"),
        HOOKS.replace("TUwNjNDg3M", "TUwNjNDg3N"),
        HOOKS.replace("84b750d6", "84b750d7"),
        HOOKS.replace("84b750d6", "84B750D6"),
        "/webhooks/1/2/3",
        "/webhooks/ž/2/3",
    ],
)
@pytest.mark.parametrize("name", [TO_TOKEN, "send-invitation", "unknown"])
def test_whatever_is_wrong_about_who_calls_gets_one_answer(
    service: Service, path: str, name: str
) -> None:
    answer = get(service, f"{path}/{name}?{urlencode(GOLDEN_QUERY)}")

    assert (answer.status, answer.json) == (200, error("Unauthorized"))
    assert invitations(service) == []


def test_an_account_without_webhooks_is_not_found(service: Service) -> None:
    service.webhook_accounts = []

    assert to_token(service).json == error("Unauthorized")


def test_two_keys_of_an_account_are_good_while_they_are_rotated(service: Service) -> None:
    service.webhook_accounts = [{**WEBHOOK, "webhook_auth": "new-" * 8}, WEBHOOK]

    assert to_token(service).json == SUCCESS
    assert to_token(service, token="x").json == error("token not found")
    fresh = HOOKS.replace(WEBHOOK["webhook_auth"], "new-" * 8)
    assert get(service, f"{fresh}/{TO_TOKEN}").json == error("id_survey is missing")


def test_accounts_never_see_each_other(service: Service) -> None:
    service.webhook_accounts = [{**WEBHOOK, "account": "other"}]

    assert to_token(service).json == error("Survey not found")
    service.store.put_survey("other", 419349, "Theirs", NOW)
    assert to_token(service).json == error("Template not found")
    service.store.put_template("other", Template(id=1833, subject="x", text="x", updated_at=NOW))
    assert to_token(service).json == error("token not found")


def test_an_account_may_refuse_get(service: Service) -> None:
    service.webhook_accounts = [{**WEBHOOK, "get_allowed": False}]

    answer = as_get(service)

    assert (answer.status, answer.json) == (200, error("This account takes POST only"))
    assert invitations(service) == []
    assert as_post(service).json == SUCCESS


@pytest.mark.parametrize("name", ["unknown", "shorten-link", "SEND-INVITATION"])
def test_an_unknown_name_is_said_to_be_unknown(service: Service, name: str) -> None:
    assert get(service, f"{HOOKS}/{name}").json == error("Unknown webhook")


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_do_nothing(service: Service, method: str) -> None:
    path, _, query = GOLDEN.partition("?")

    answer = service.handle(request(method, path, query))

    assert answer.status == 405
    assert invitations(service) == []


def test_a_busy_store_is_a_503_that_decides_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreBusyError

    monkeypatch.setattr(service.store, "add_invitation", refuse)

    answer = to_token(service)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert "type" not in answer.json


def test_a_survey_that_vanishes_in_between_is_not_found(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnknownSurveyError

    monkeypatch.setattr(service.store, "add_invitation", refuse)

    assert to_token(service).json == error("Survey not found")


def test_what_nobody_foresaw_is_a_500_that_decides_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError(GOLDEN)

    monkeypatch.setattr(service.store, "add_invitation", explode)

    answer = to_token(service)

    assert answer.status == 500
    assert "type" not in answer.json


SECRETS = (WEBHOOK["webhook_key"], WEBHOOK["webhook_auth"], "81a2B7", "jane", "private")


def every_way_through(service: Service) -> list[Answer]:
    """Call in every way that there is, each with the right key and authorisation in its path."""
    path, _, query = GOLDEN.partition("?")
    bad_base64 = {**request("POST", path, query, "x"), "body": "private!"}
    answers = [
        *(call(service) for call in (as_get, as_post, as_post_with_query)),
        to_token(service, delay="0"),
        *(to_token(service, **{name: "private"}) for name in GOLDEN_QUERY),
        to_address(service, email=JANE, l1="private"),
        to_address(service, email="private"),
        get(service, f"{HOOKS}/private?{query}"),
        get(service, f"{HOOKS}/{TO_TOKEN}/private"),
        get(service, HOOKS),
        get(service, f"{HOOKS}/"),
        get(service, f'{HOOKS}/"private'),
        get(service, f"/api/v2{GOLDEN}"),
        get(service, f"/private{GOLDEN}x"),
        get(service, GOLDEN.replace("387487", "private")),
        post(service, GOLDEN, b"\xff\xfe=private&%zz=%"),
        post(service, GOLDEN, json.dumps(GOLDEN_QUERY)),
        service.handle(bad_base64),
        *(service.handle(request(method, path, query)) for method in ("HEAD", "PUT", "PROPFIND")),
        get(service, f"{GOLDEN}&{'&'.join(['private'] * 200)}"),
    ]
    service.webhook_accounts = [{**WEBHOOK, "get_allowed": False}]
    answers.append(as_get(service))
    service.webhook_accounts = [{**WEBHOOK, "quota": {"limit": 1}}]
    answers += [to_address(service, email=f"private-{number}@example.com") for number in (1, 2)]
    service.webhook_accounts = [{**WEBHOOK, "quota": "private"}]
    service.later(minutes=10)
    return [*answers, as_get(service)]


@pytest.mark.parametrize("fault", [None, StoreBusyError, RuntimeError, KeyError])
@pytest.mark.parametrize("where", ["survey", "add_invitation", "respondent"])
def test_nothing_that_leaves_the_service_holds_a_secret_or_a_person(
    service: Service,
    where: str,
    fault: type[Exception] | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Lambda puts the root logger on DEBUG if the template says so."""

    def break_down(*_: object) -> None:
        assert fault
        raise fault(GOLDEN)

    if fault:
        monkeypatch.setattr(service.store, where, break_down)
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    with caplog.at_level(logging.DEBUG):
        quiet_libraries()
        answers = every_way_through(service)

    told = [*(answer.text + str(answer.headers) for answer in answers)]
    shown = "".join([*told, service.log.getvalue(), caplog.text, *capsys.readouterr()])
    assert len(service.log.getvalue().splitlines()) >= len(answers)
    assert [secret for secret in SECRETS if secret.lower() in shown.lower()] == []


TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)
NAMES = st.sampled_from(
    ["id_survey", "id_template", "token", "email", "delay", "footer", "l1", "l15"]
)
VALUES = TEXT | st.sampled_from(["419349", "1833", "81a2B7", JANE, "15", "0"]) | st.emails()
PAIRS = st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=12)


def written(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "POST"]),
    name=st.sampled_from([TO_TOKEN, "send-invitation"]),
    query=PAIRS.map(written) | TEXT,
    form=st.none() | PAIRS.map(written).map(str.encode) | st.binary(max_size=60),
)
def test_no_query_and_no_form_is_a_fault_of_ours(
    service: Service, method: str, name: str, query: str, form: bytes | None
) -> None:
    answer = service.handle(request(method, f"{HOOKS}/{name}", query, form))

    assert answer.status == 200
    assert answer.json.keys() == {"type", "msg"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(path=st.lists(TEXT, max_size=6).map("/".join))
def test_no_path_is_a_fault_of_ours(service: Service, path: str) -> None:
    assert service.handle(request("GET", f"/webhooks/{path}")).status in {200, 404}


SAMPLES = Path(__file__).parents[3] / "events" / "api"


@pytest.mark.parametrize("sample", ["webhook_get", "webhook_post"])
def test_sample_webhooks_are_answered(service: Service, sample: str) -> None:
    sent = json.loads((SAMPLES / f"{sample}.json").read_text())

    assert service.handle(sent).json == SUCCESS
    assert mailings(service)[0].due_at == NOW + timedelta(minutes=15)


def test_the_admins_credentials_open_no_webhook(service: Service) -> None:
    assert service.authorization == ADMIN
    assert get(service, f"/webhooks/shop/admin@example.com/token-1/{TO_TOKEN}").json == error(
        "Unauthorized"
    )
