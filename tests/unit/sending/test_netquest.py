"""What a call to Netquest says, and what its answer means."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from afterword.noting import Notes
from afterword.sending.calls import Answer, LostError, NeverSentError
from afterword.sending.netquest import (
    FEWEST_RECIPIENTS,
    MOST_RECIPIENTS,
    NetquestProvider,
    parameters,
)
from afterword.sending.netquest_answers import seconds_to_next
from afterword.sending.provider import (
    Each,
    LookUpError,
    Puzzling,
    Recipient,
    Refused,
    Retry,
    Sent,
    Terms,
    Uncertain,
)
from afterword.sending.providers import Providers
from afterword.sending.watching import Watched
from tests.support.netquest import (
    AUTH,
    KEY,
    LEFT,
    NO_TOKEN,
    QUOTA,
    ROTATED,
    SUCCESS,
    UNAUTHORIZED,
    Call,
    FakeHttp,
    error,
    said,
    secret,
)
from tests.support.parameters import Store, account_text
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.accounts import Credentials
    from afterword.sending.provider import Single

# From Netquest's own example, word for word.
GOLDEN = "id_survey=419349&id_template=1833&token=81a2B7&delay=15&footer=0"
WEBHOOKS = f"https://www.netquest.cz/webhooks/387487/{KEY}/{AUTH}"
SURVEY = 419349
TERMS = Terms(template=1833, footer=False, delay=15)
JANA = Recipient("jana.planted@example.com", "Jana Planted", "cs", "81a2B7")
BREAKS = Retry("credentials", whole_account=True, breaks=True)
UNREADABLE = Retry("unreachable: no usable credentials", outage=True)


def invite(http: FakeHttp, *people: Recipient, terms: Terms = TERMS, **more: Any) -> Each:
    provider = http.provider(**more)
    return provider.invite(SURVEY, provider.encode(people, terms), "batch-1")


def ask(answer: Answer | BaseException, terms: Terms = TERMS) -> Single:
    (outcome,) = invite(FakeHttp(otherwise=answer), JANA, terms=terms).outcomes
    return outcome


class Secrets:
    """What Parameter Store says, by cache and past it; it counts."""

    def __init__(self, cached: Credentials | None, fresh: Credentials | None) -> None:
        self.kept = {False: cached, True: fresh}
        self.reads: Counter[bool] = Counter()

    def __call__(self, fresh: bool) -> Credentials | None:  # noqa: FBT001 -- the port's one argument
        self.reads[fresh] += 1
        return self.kept[fresh]


def unclear_but_one(call: Call) -> Answer:
    """Lose every answer but one."""
    return SUCCESS if call.person == "T24" else Answer(500, {}, b"")


def crowd(size: int) -> list[Recipient]:
    return [Recipient(f"p{n}@example.com", None, "cs", f"T{n}") for n in range(size)]


def test_a_form_says_what_the_example_says_word_for_word() -> None:
    http = FakeHttp()
    invite(http, JANA)
    (call,) = http.calls
    assert (call.method, call.form, call.query) == ("POST", GOLDEN, "")
    assert call.url == f"{WEBHOOKS}/send-invitation-to-token"
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_query_says_the_same() -> None:
    http = FakeHttp()
    invite(http, JANA, method="GET")
    (call,) = http.calls
    assert (call.method, call.form, call.query) == ("GET", "", GOLDEN)
    assert call.url == f"{WEBHOOKS}/send-invitation-to-token"


def test_the_footer_is_named_only_to_leave_it_out() -> None:
    name, form = parameters(1, Terms(template=2, footer=True), JANA)
    assert name == "send-invitation-to-token"
    assert form == {"id_survey": 1, "id_template": 2, "token": "81a2B7", "delay": 0}


def test_a_delay_that_we_hold_is_none_there() -> None:
    _, form = parameters(1, Terms(template=2), JANA)
    assert form["delay"] == 0


def test_who_has_no_token_is_asked_by_address() -> None:
    http = FakeHttp()
    invite(http, Recipient("jana@example.com", None, "cs"))
    (call,) = http.calls
    assert call.url == f"{WEBHOOKS}/send-invitation"
    assert call.form == (
        "id_survey=419349&id_template=1833&email=jana%40example.com&delay=15&footer=0"
    )


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("token", ["81A2b7", "81a2B7", "a b&token=c#?/%\r\n", "žluť+"])
def test_a_token_arrives_letter_by_letter(method: str, token: str) -> None:
    http = FakeHttp()
    invite(http, Recipient("jana@example.com", None, "cs", token), method=method)
    (call,) = http.calls
    assert call.parameters["token"] == token
    assert set(call.parameters) == {"id_survey", "id_template", "token", "delay", "footer"}
    assert (call.form + call.query).isascii()


def test_a_secret_cannot_leave_its_place_in_the_path() -> None:
    http = FakeHttp()
    odd = secret("a/b?c#d e", "%2Fž")
    invite(http, JANA, credentials=Secrets(odd, odd))
    (call,) = http.calls
    assert call.url == (
        "https://www.netquest.cz/webhooks/387487/a%2Fb%3Fc%23d%20e/%252F%C5%BE"
        "/send-invitation-to-token"
    )


def test_the_same_batch_has_the_same_bytes_and_outcomes_in_its_order() -> None:
    http = FakeHttp({"T1": LEFT, "T3": QUOTA, "T5": NeverSentError("ConnectionError")})
    provider = http.provider()
    people = crowd(FEWEST_RECIPIENTS)
    body = provider.encode(people, TERMS)
    assert body == provider.encode(people, TERMS)
    outcomes = provider.invite(SURVEY, body, "batch-1").outcomes
    assert [n for n, each in enumerate(outcomes) if each != Sent(None)] == [1, 3, 5]
    assert http.asked == Counter(each.token for each in people)


def test_all_calls_of_a_batch_share_one_deadline() -> None:
    http = FakeHttp()
    invite(http, *crowd(MOST_RECIPIENTS))
    assert {each.deadline for each in http.calls} == {http.deadline()}


@pytest.mark.parametrize(
    ("calls_per_minute", "most", "at_once"),
    [(10, 10, 8), (200, 25, 8), (1200, 25, 20), (2400, 40, 40), (6000, 100, 75), (60_000, 250, 75)],
)
def test_a_batch_holds_what_its_account_takes_in_a_second_and_fits_into_a_minute_s_budget(
    calls_per_minute: int, most: int, at_once: int
) -> None:
    http = FakeHttp()
    provider = http.provider(calls_per_minute=calls_per_minute)
    assert provider.most_recipients == most
    provider.invite(SURVEY, provider.encode(crowd(3), TERMS), "batch-1")
    assert http.waves == [(3, at_once)]


@pytest.mark.parametrize("otherwise", [SUCCESS, LEFT, NO_TOKEN, unclear_but_one])
def test_some_go_ahead_and_if_their_way_is_free_the_others_follow(
    otherwise: Answer | Callable[[Call], Answer],
) -> None:
    http = FakeHttp(otherwise=otherwise)
    outcomes = invite(http, *crowd(MOST_RECIPIENTS), calls_per_minute=15_000).outcomes
    assert [size for size, _ in http.waves] == [FEWEST_RECIPIENTS, 225]
    assert (len(outcomes), len(http.calls)) == (MOST_RECIPIENTS, MOST_RECIPIENTS)


@pytest.mark.parametrize(
    "answer",
    [
        LostError("time-out"),
        NeverSentError("ConnectionError"),
        QUOTA,
        UNAUTHORIZED,
        error("Something odd"),
        error("Survey not found"),
        Answer(500, {}, b""),
        Answer(429, {}, b""),
        Answer(200, {}, b""),
    ],
)
def test_if_it_is_not_free_the_others_are_not_called(answer: Answer | BaseException) -> None:
    http = FakeHttp(otherwise=answer)
    outcomes = invite(http, *crowd(MOST_RECIPIENTS), calls_per_minute=15_000).outcomes
    assert len(http.calls) == FEWEST_RECIPIENTS
    assert set(outcomes[FEWEST_RECIPIENTS:]) == {Retry("not_called")}
    assert Retry("not_called") not in outcomes[:FEWEST_RECIPIENTS]


def test_a_secret_is_read_past_the_cache_once_a_batch_however_many_answers_are_odd() -> None:
    http = FakeHttp({"T0": error("Out of order"), "T99": error("Out of order")})
    secrets = Secrets(secret(), secret())
    outcome = invite(http, *crowd(100), credentials=secrets, calls_per_minute=6000)
    assert outcome.count_sent() == 98
    assert secrets.reads == {False: 1, True: 1}


def test_who_follows_is_called_with_the_rotated_secret_at_once() -> None:
    http = by_key(ROTATED, UNAUTHORIZED)
    secrets = Secrets(secret(), secret(ROTATED))
    people = crowd(MOST_RECIPIENTS)
    outcome = invite(http, *people, credentials=secrets, calls_per_minute=15_000)
    assert outcome.count_sent() == MOST_RECIPIENTS
    assert secrets.reads == {False: 1, True: 1}
    asked = [http.asked[each.token or ""] for each in people]
    assert asked == [2] * FEWEST_RECIPIENTS + [1] * 225


def test_what_a_provider_promises() -> None:
    provider = FakeHttp().provider(calls_per_minute=30)
    assert (provider.most_recipients, provider.call_seconds) == (25, 20)
    assert (provider.calls_per_minute, provider.replays_key, provider.one_by_one) == (
        30,
        False,
        True,
    )
    assert provider.fault(Terms()) == "template: netquest needs it"
    assert provider.fault(TERMS) is None


@pytest.mark.parametrize("call", ["list_after", "show"])
def test_nobody_can_be_asked_what_became_of_a_call(call: str) -> None:
    with pytest.raises(LookUpError, match="can't be asked"):
        getattr(FakeHttp().provider(), call)(1, 0)


@pytest.mark.parametrize(
    ("msg", "outcome"),
    [
        ("Respondents not found", Refused("respondent_not_found", suppresses=True)),
        ("token not found", Refused("token_not_found")),
        ("Token not found.", Refused("token_not_found")),
        ("Unauthorized", BREAKS),
        ("Survey not found", Retry("survey not found")),
        ("Template not found", Retry("template not found")),
        ("Something odd, isn't it", Puzzling("netquest: Something odd, isn't it")),
        ("", Puzzling("netquest: unknown error")),
        (None, Puzzling("netquest: unknown error")),
        ([[]], Puzzling("netquest: unknown error")),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 429, 500, 503])
def test_an_error_is_judged_by_its_text_whatever_the_status(
    msg: object, outcome: Single, status: int
) -> None:
    assert ask(said("error", msg, status)) == outcome


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("msg", ["Invitation has been sent", "Respondents not found", None, 7])
def test_a_success_is_one_whatever_the_status_and_the_text(msg: object, status: int) -> None:
    assert ask(said("success", msg, status)) == Sent(None)


def test_a_success_needs_no_text() -> None:
    assert ask(Answer(200, {}, b'{"type":"success"}')) == Sent(None)


NO_TYPE = [
    b"",
    b"<html>OK</html>",
    b"\xff\xfe",
    b"null",
    b'"success"',
    b'["type"]',
    b'[{"type":"success"}]',
    b"{}",
    b'{"type":null}',
    b'{"type":"Success"}',
    b'{"type":"partly"}',
    b'{"type":["success"]}',
    b'{"type":{"success":1}}',
    b'{"type":"success","msg":"Invi',
    b'{"type":"success"} and more',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", NO_TYPE)
def test_without_a_type_it_is_never_a_success(body: bytes) -> None:
    assert ask(Answer(200, {}, body)) == Uncertain("no_type")


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (400, {}, Uncertain("no_type")),
        (401, {}, BREAKS),
        (403, {}, BREAKS),
        (404, {}, Retry("http_404")),
        (408, {}, Uncertain("http_408")),
        (413, {}, Retry("http_413")),
        (422, {}, Retry("http_422")),
        (429, {"Retry-After": "93"}, Retry("http_429", after=93, whole_account=True)),
        (500, {}, Uncertain("http_500")),
        (502, {}, Uncertain("http_502")),
        (503, {}, Uncertain("http_503")),
        (
            503,
            {"Retry-After": "10"},
            Retry("http_503", after=10, whole_account=True, outage=True),
        ),
    ],
)
@pytest.mark.parametrize("body", NO_TYPE[:5])
def test_without_a_type_the_status_says_what_is_certain(
    status: int, headers: dict[str, str], outcome: Single, body: bytes
) -> None:
    assert ask(Answer(status, headers, body)) == outcome


@pytest.mark.parametrize(
    "msg",
    [
        "Respondent jana.planted@example.com is blocked",
        "Respondent 81a2B7 is blocked",
        "token 419349",
        "Jana is blocked",
        "sorry, planted",
        "jana.planted is blocked",
        f"wrong key {KEY}",
        "wrong authorisation SecretWords",
        "see https://www.netquest.cz/",
        "Nikdo není doma",
        "two\nlines",
        "x" * 81,
    ],
)
def test_of_unknown_words_only_plain_ones_are_kept(msg: str) -> None:
    wordy = secret(KEY, "SecretWords")
    (outcome,) = invite(
        FakeHttp(otherwise=error(msg)), JANA, credentials=Secrets(wordy, wordy)
    ).outcomes
    assert outcome == Puzzling("netquest: unknown error")


def test_a_token_of_letters_alone_is_no_plain_word() -> None:
    letters = Recipient("p@example.com", None, "cs", "AbCdEf")
    (outcome,) = invite(FakeHttp(otherwise=error("nobody is abcdef")), letters).outcomes
    assert outcome == Puzzling("netquest: unknown error")


def test_who_has_neither_name_nor_address_hides_nothing() -> None:
    (outcome,) = invite(
        FakeHttp(otherwise=error("Out of order")), Recipient("", None, "cs", "81a2B7")
    ).outcomes
    assert outcome == Puzzling("netquest: Out of order")


def test_what_never_left_is_certain_and_what_was_lost_is_not() -> None:
    never = Retry("unreachable: SSLError", outage=True)
    assert ask(NeverSentError("SSLError")) == never
    assert ask(LostError("time-out")) == Uncertain("no answer: time-out")


@pytest.mark.parametrize(
    "answer", [LostError("time-out"), Answer(200, {}, b""), Answer(500, {}, b"")]
)
def test_a_campaign_may_have_what_is_in_doubt_sent_again(answer: Answer | BaseException) -> None:
    resends = Terms(template=1833, resends=True)
    assert ask(answer, resends) == Retry("uncertain_resent", doubtful=True)
    assert ask(SUCCESS, resends) == Sent(None)


def by_key(key: str, otherwise: Answer) -> FakeHttp:
    """Know one key alone."""
    return FakeHttp(otherwise=lambda call: SUCCESS if f"/{key}/" in call.url else otherwise)


WRONG_KEY = [UNAUTHORIZED, error("Wrong webhook"), Answer(403, {}, b""), Answer(404, {}, b"")]


@pytest.mark.parametrize("wrong", WRONG_KEY)
def test_a_rotated_secret_is_read_once_a_batch_and_the_same_calls_go_out_again_once(
    wrong: Answer,
) -> None:
    http = by_key(ROTATED, wrong)
    secrets = Secrets(secret(), secret(ROTATED))
    outcome = invite(http, *crowd(FEWEST_RECIPIENTS), credentials=secrets)
    assert outcome.count_sent() == FEWEST_RECIPIENTS
    assert secrets.reads == {False: 1, True: 1}
    assert set(http.asked.values()) == {2}
    assert len({(each.form, each.url.rpartition("/")[2]) for each in http.calls}) == 25


@pytest.mark.parametrize("wrong", WRONG_KEY)
def test_a_secret_that_has_not_changed_is_not_tried_twice(wrong: Answer) -> None:
    http = by_key(ROTATED, wrong)
    secrets = Secrets(secret(), secret())
    assert invite(http, *crowd(3), credentials=secrets).count_sent() == 0
    assert secrets.reads == {False: 1, True: 1}
    assert set(http.asked.values()) == {1}


def test_a_new_secret_that_is_refused_too_opens_the_breaker_and_is_not_tried_a_third_time() -> None:
    http = FakeHttp(otherwise=UNAUTHORIZED)
    outcome = invite(http, JANA, credentials=Secrets(secret(), secret(ROTATED)))
    assert outcome == Each((BREAKS,))
    assert len(http.calls) == 2


@pytest.mark.parametrize(
    "answer",
    [SUCCESS, LEFT, NO_TOKEN, QUOTA, Answer(200, {}, b""), Answer(500, {}, b""), LostError("")],
)
def test_what_a_key_has_nothing_to_do_with_reads_no_secret_past_the_cache(
    answer: Answer | BaseException,
) -> None:
    secrets = Secrets(secret(), secret(ROTATED))
    http = FakeHttp(otherwise=answer)
    invite(http, *crowd(3), credentials=secrets)
    assert secrets.reads == {False: 1}
    assert set(http.asked.values()) == {1}


def test_without_a_secret_nothing_goes_out() -> None:
    http, secrets = FakeHttp(), Secrets(None, secret())
    assert invite(http, *crowd(2), credentials=secrets) == Each((UNREADABLE, UNREADABLE))
    assert http.calls == []
    assert secrets.reads == {False: 1}


@pytest.mark.parametrize(
    ("dialect", "wrong"),
    [
        ({"provider": "netquest", "id_account": "387487"}, {"bearer": "bearer-1"}),
        ({"provider": "nps"}, {"webhook_key": KEY, "webhook_auth": AUTH}),
    ],
    ids=["netquest", "nps"],
)
def test_one_dialects_secret_opens_nothing_in_the_other(
    dialect: dict[str, str], wrong: dict[str, str]
) -> None:
    """A test without sockets: a request would fail it."""
    with mock_aws():
        store = Store(boto3.client("ssm"))
        store.put("accounts/shop", account_text(**dialect))
        store.put_secret("accounts/shop", json.dumps(wrong))
        provider = Providers(store.parameters(), lambda: NOW, Notes())("shop")
        outcome = provider.invite(1, provider.encode([JANA], TERMS), "batch-1")
    assert outcome in (UNREADABLE, Each((UNREADABLE,)))


def test_the_secret_in_parameter_store_stands_in_the_call() -> None:
    """And nothing is sent with it for which it isn't meant."""
    with mock_aws():
        store = Store(boto3.client("ssm"))
        store.put("accounts/shop", account_text(provider="netquest", id_account="387487"))
        keys = json.dumps({"webhook_key": KEY, "webhook_auth": AUTH})
        store.put_secret("accounts/shop", keys)
        provider = Providers(store.parameters(), lambda: NOW, Notes())("shop")
        assert isinstance(provider, Watched)
        made = provider._provider
        assert isinstance(made, NetquestProvider)
        assert made._credentials(False) == secret()  # noqa: FBT003 -- the port's one argument


def test_a_secret_that_cannot_be_read_past_the_cache_holds_nobody() -> None:
    http = FakeHttp(otherwise=error("Wrong webhook"))
    assert invite(http, JANA, credentials=Secrets(secret(), None)) == Each((UNREADABLE,))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("period", "now", "begins"),
    [
        ("month", "2026-12-31T23:59:59", "2027-01-01"),
        ("month", "2026-12-01T00:00:00", "2027-01-01"),
        ("month", "2027-01-31T12:00:00", "2027-02-01"),
        ("month", "2027-02-28T12:00:00", "2027-03-01"),
        ("month", "2028-02-28T12:00:00", "2028-03-01"),
        ("month", "2028-02-29T23:00:00", "2028-03-01"),
        ("month", "2027-04-30T00:00:01", "2027-05-01"),
        ("day", "2026-12-31T23:59:59", "2027-01-01"),
        ("day", "2028-02-28T12:00:00", "2028-02-29"),
        ("day", "2028-02-29T00:00:00", "2028-03-01"),
        ("day", "2027-04-30T08:15:30", "2027-05-01"),
    ],
)
def test_a_quota_begins_anew_with_the_next_day_or_month_by_utc(
    period: Any, now: str, begins: str
) -> None:
    left = seconds_to_next(period, at(now))
    assert at(now) + left == at(begins)
    (outcome,) = invite(
        FakeHttp(otherwise=QUOTA), JANA, wall=lambda: at(now), quota_period=period
    ).outcomes
    assert outcome == Retry("quota", after=left, whole_account=True)


UNCLEAR = Retry("unclear", outage=True)
DOUBTFUL = Retry("uncertain_resent", doubtful=True)
PAUSE = Retry("quota", after=600, whole_account=True)


@pytest.mark.parametrize(
    ("outcomes", "for_the_way"),
    [
        ([Sent(None), Sent(None)], Sent(None)),
        ([Refused("a"), Refused("b", suppresses=True)], Sent(None)),
        ([Sent(None), Uncertain("x"), Puzzling("y")], Sent(None)),
        ([Refused("a"), Uncertain("x")], UNCLEAR),
        ([Refused("a"), Puzzling("x")], UNCLEAR),
        ([DOUBTFUL], UNCLEAR),
        ([Sent(None), DOUBTFUL], Sent(None)),
        ([Sent(None), Retry("x", outage=True), Uncertain("y")], Retry("x", outage=True)),
        ([Retry("x"), Retry("y", outage=True)], Retry("y", outage=True)),
        ([UNCLEAR, BREAKS], BREAKS),
        ([BREAKS, PAUSE, Uncertain("x")], PAUSE),
    ],
)
def test_what_a_batch_means_for_those_who_come_next(
    outcomes: Sequence[Single], for_the_way: Single
) -> None:
    assert Each(tuple(outcomes)).for_the_way() == for_the_way


def test_a_batchs_bytes_hold_no_secret() -> None:
    body = FakeHttp().provider().encode([JANA], TERMS)
    assert KEY.encode() not in body
    assert AUTH.encode() not in body
    assert json.loads(body)["people"][0]["token"] == "81a2B7"
