"""The secret of Netquest's webhooks stands in the path of every call, and is seen nowhere else."""

from __future__ import annotations

import json
import logging
import time
import traceback
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from afterword.sending.provider import Recipient, Terms
from tests.support.faults import answering, hanging_up, refusing, speaking, walk
from tests.support.functions import Stage, purchase, sqs_event
from tests.support.netquest import netquest, secret
from tests.support.nps import OverOnce
from tests.support.parameters import account_text, campaign_text
from tests.support.servers import (
    Answer,
    Exchange,
    Server,
    close,
    raw,
    reply,
    reset,
    serving,
    silence,
    stalled_body,
    trickling_body,
    trickling_headers,
    truncated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

    from afterword.deciding.accounts import Credentials
    from afterword.sending.netquest import NetquestProvider
    from afterword.sending.provider import Each

KEY, AUTH, TOKEN = "PlantedKey", "PlantedAuth", "PlantedToken"
JANA = Recipient("jana.planted@example.com", "Jana Planted", "cs", TOKEN)
TERMS = Terms(template=1833)
# In any case of letters: a secret is none of a provider's words.
PLANTED = "planted"
# What an unkind server says back: everything that it was told.
WORDS = f"{KEY} {AUTH} {TOKEN} {JANA.name}"
ECHO = f"{WORDS} {JANA.email} /webhooks/387487/{KEY}/{AUTH}/send-invitation-to-token".encode()
ODD_HEADERS = b"HTTP/1.1 500 " + ECHO + b"\r\nX-Odd : 1\r\n: no name\r\n no header\r\n\r\n"


def error(msg: object, status: int = 200) -> Answer:
    return reply(status, {"type": "error", "msg": msg})


def redirect_to_itself(exchange: Exchange) -> None:
    reply(302, ECHO, {"Location": exchange.request.path})(exchange)


ANSWERS: dict[str, Answer] = {
    "success": reply(200, {"type": "success", "msg": WORDS}),
    "left": error("Respondents not found"),
    "no token": error("token not found"),
    "quota": error("Invitations limit has been reached"),
    "unauthorized": error("Unauthorized"),
    "plain words": error(WORDS),
    "the key alone": error(KEY),
    "everything": error(ECHO.decode()),
    "no text": error([ECHO.decode()]),
    "odd type": reply(200, {"type": [ECHO.decode()]}),
    "no JSON": reply(200, ECHO),
    "truncated": truncated(200, ECHO),
    "no gzip": reply(200, ECHO, {"Content-Encoding": "gzip"}),
    "redirect": redirect_to_itself,
    "redirect to nowhere": reply(302, ECHO, {"Location": f"http://[{KEY}"}),
    "400": reply(400, ECHO),
    "401": reply(401, ECHO),
    "403": reply(403, ECHO),
    "404": reply(404, ECHO),
    "429": reply(429, ECHO, {"Retry-After": ECHO.decode()}),
    "500": reply(500, ECHO),
    "503": reply(503, ECHO, {"Retry-After": ECHO.decode()}),
    "reset": reset,
    "closed": close,
    "no HTTP": raw(ECHO),
    "odd headers": raw(ODD_HEADERS),
    "two lengths": raw(b"HTTP/1.1 500 No\r\nContent-Length: 1, 2\r\n\r\n" + ECHO),
    "bad chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + ECHO),
}
METHODS = pytest.mark.parametrize("method", ["POST", "GET"])


@pytest.fixture
def chatty(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger that there is says all it can."""
    with ExitStack() as stack:
        # urllib3's own children obey it, and it obeys `Http`, which is made after this.
        names = [name for name in logging.root.manager.loggerDict if "urllib3." not in name]
        for name in [None, *names]:
            stack.enter_context(caplog.at_level(logging.DEBUG, name))
        yield caplog


def read(fresh: bool) -> Credentials:  # noqa: FBT001 -- the port's one argument
    """Another secret past the cache, so that calls are made with both."""
    return secret(KEY + "2" * fresh, AUTH)


def invite(provider: NetquestProvider) -> Each:
    return provider.invite(1, provider.encode([JANA], TERMS), "batch-1")


def call(provider: NetquestProvider) -> object:
    """Make the call alone, where its errors are still to be seen."""
    credentials = read(False)  # noqa: FBT003 -- the port's one argument
    secrets = [
        each.get_secret_value()
        for each in (credentials.webhook_key, credentials.webhook_auth)
        if each
    ]
    asked = provider._request(secrets, "send-invitation-to-token", {"token": TOKEN})
    with provider._http.together(1) as make:
        (result,) = make([asked], provider._http.deadline())
    if isinstance(result, Exception):
        raise result
    return repr(asked), result


CALLS: dict[str, Callable[[NetquestProvider], object]] = {"invite": invite, "call": call}
EACH_CALL = pytest.mark.parametrize("asked", CALLS.values(), ids=CALLS)


def everything_shown(
    base_url: str, asked: Callable[[NetquestProvider], object], method: str, **more: Any
) -> str:
    """Make the call; return all that its outcome, its errors and the provider show of themselves."""
    provider = netquest(base_url, read, method=method, **more)
    shown = [repr(provider), repr(provider._http), repr(provider._account), repr(read(True))]  # noqa: FBT003
    try:
        shown.append(repr(asked(provider)))
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must show nothing
        for each in walk(error):
            # Ours are known to hold no more than they show; requests' hold the request itself.
            assert type(each).__module__.startswith("afterword.")
            shown += [str(each), repr(each), repr(vars(each)), *traceback.format_exception(each)]
    return "\n".join(shown)


def assert_nothing_planted(*texts: str) -> None:
    for text in texts:
        assert PLANTED not in text.casefold()


def look(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    provider: AbstractContextManager[str],
    *arguments: Any,
    **more: Any,
) -> None:
    """Assert that nothing planted is shown: by the outcome, a log of any level, or the two outputs."""
    with provider as base_url:
        shown = everything_shown(base_url, *arguments, **more)
    assert_nothing_planted(shown, chatty.text, *capfd.readouterr())


@METHODS
def test_what_is_planted_does_go_out(server: Server, method: str) -> None:
    """Else the tests below would prove nothing."""
    everything_shown(server.url, invite, method)
    (request,) = server.received
    assert f"/{KEY}/{AUTH}/" in request.path
    assert TOKEN in request.query + request.body.decode()


def test_the_log_is_listened_to(chatty: pytest.LogCaptureFixture) -> None:
    """Else the tests below would prove nothing."""
    logging.getLogger("afterword.sending.netquest").debug("planted")
    assert PLANTED in chatty.text


@METHODS
@EACH_CALL
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_shows_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    asked: Callable[[NetquestProvider], object],
    method: str,
) -> None:
    look(chatty, capfd, answering(answer), asked, method)


@METHODS
@EACH_CALL
@pytest.mark.parametrize("answer", [silence, trickling_headers])
def test_no_call_without_an_answer_shows_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    asked: Callable[[NetquestProvider], object],
    method: str,
) -> None:
    with serving(otherwise=answer) as server:
        shown = everything_shown(server.url, asked, method, clock=OverOnce(server.reached))
    assert_nothing_planted(shown, chatty.text, *capfd.readouterr())


@METHODS
@EACH_CALL
@pytest.mark.parametrize("answer", [trickling_body(200), stalled_body(404)])
def test_no_body_without_an_end_shows_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    reading: Event,
    answer: Answer,
    asked: Callable[[NetquestProvider], object],
    method: str,
) -> None:
    look(chatty, capfd, answering(answer), asked, method, clock=OverOnce(reading))


@METHODS
@EACH_CALL
@pytest.mark.parametrize("provider", [refusing, hanging_up, partial(speaking, ECHO)])
def test_no_failed_connection_shows_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    provider: Callable[[], AbstractContextManager[str]],
    asked: Callable[[NetquestProvider], object],
    method: str,
) -> None:
    look(chatty, capfd, provider(), asked, method)


@METHODS
@EACH_CALL
def test_no_refused_certificate_shows_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    certificate: Path,
    asked: Callable[[NetquestProvider], object],
    method: str,
) -> None:
    with serving(certificate) as server:
        shown = everything_shown(server.url, asked, method)
    assert_nothing_planted(shown, chatty.text, *capfd.readouterr())


def test_a_person_of_a_call_shows_nothing() -> None:
    assert_nothing_planted(repr(JANA), repr(TERMS))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with mock_aws():
        stage = Stage(monkeypatch)
        # Where an account on loopback may go without TLS.
        stage.set(STAGE="local", POWERTOOLS_LOG_LEVEL="DEBUG")
        credentials = json.dumps({"webhook_key": KEY, "webhook_auth": AUTH})
        stage.store.put_secret("accounts/shop", credentials)
        campaign = campaign_text(mode="live", template=1833)
        stage.store.put("campaigns/after-purchase", campaign)
        yield stage


def run(stage: Stage, base_url: str) -> str:
    """Let a purchase come in and be sent, then sweep; return all that the functions say and keep."""
    account = account_text(provider="netquest", base_url=base_url, id_account="387487")
    stage.store.put("accounts/shop", account)
    person = {"email": JANA.email, "name": JANA.name, "token": TOKEN}
    event = sqs_event(purchase("A-1", int(time.time()), customer=person))
    answers = [
        stage.function("translate_events")(event),
        stage.function("send_due_invitations")({}),
    ]
    # People are on record with the customer, and nowhere else.
    rows = [each for each in stage.rows("") if not each["pk"]["S"].startswith("C#")]
    assert {each["pk"]["S"][0] for each in rows} >= {"O", "B", "P"}
    customers = json.dumps(stage.rows("C#"))
    assert KEY not in customers
    assert AUTH not in customers
    return repr([answers, rows, stage.letters()])


@pytest.mark.parametrize(
    "answer",
    ["success", "plain words", "everything", "unauthorized", "no JSON", "403", "500", "reset"],
)
def test_the_functions_neither_say_nor_keep_what_was_planted(
    chatty: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    stage: Stage,
    answer: str,
) -> None:
    with serving(otherwise=ANSWERS[answer]) as server:
        kept = run(stage, server.url)
    assert f"/{KEY}/{AUTH}/" in server.received[0].path
    out, err = capfd.readouterr()
    assert '"translated"' in out
    assert_nothing_planted(kept, out, err, ours(chatty))


def test_nor_do_they_where_nobody_answers(
    chatty: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], stage: Stage
) -> None:
    with refusing() as base_url:
        kept = run(stage, base_url)
    assert_nothing_planted(kept, *capfd.readouterr(), ours(chatty))


def ours(chatty: pytest.LogCaptureFixture) -> str:
    """Return what was logged, but for the SDK's own words: the functions keep those at INFO by its parents' names."""
    return "\n".join(
        chatty.handler.format(each)
        for each in chatty.records
        if not each.name.startswith(("botocore", "boto3", "moto", "responses"))
    )
