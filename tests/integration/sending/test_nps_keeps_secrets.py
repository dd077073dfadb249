"""No fault of a provider or the network brings secrets, addresses of people, or the account's URL to light."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.accounts import Credentials
from afterword.sending.calls import LostError, NeverSentError
from afterword.sending.provider import LookUpError, Recipient
from afterword.sending.providers import sign_in
from tests.support.faults import answering, hanging_up, refusing, speaking, walk
from tests.support.nps import OverOnce, nps
from tests.support.servers import (
    Answer,
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
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

    from afterword.sending.nps import NpsProvider

API_TOKEN = "planted-token"
CREDENTIALS = Credentials.model_validate({"email": "robot@example.com", "api_token": API_TOKEN})
AUTHORIZATION = sign_in(CREDENTIALS)["Authorization"]
PATH = "planted-path"
JANA = Recipient("jana.planted@example.com", "Jana Planted", "cs-CZ")
# What an unkind server says back: everything that it was told.
ECHO = f"{JANA.email} {JANA.name} {API_TOKEN} {AUTHORIZATION} /{PATH}/".encode()
PLANTED = [API_TOKEN, AUTHORIZATION.split()[1], PATH, "planted", "robot@"]
# With a defect that urllib3 warns of, together with the whole address.
ODD_HEADERS = b"HTTP/1.1 500 " + ECHO + b"\r\nX-Odd : 1\r\n: no name\r\n no header\r\n\r\n"

ANSWERS: dict[str, Answer] = {
    "accepted": reply(201, ECHO),
    "truncated": truncated(201, ECHO),
    "no gzip": reply(201, ECHO, {"Content-Encoding": "gzip"}),
    "redirect": reply(302, ECHO, {"Location": f"https://example.com/{PATH}/"}),
    "redirect to nowhere": reply(302, ECHO, {"Location": f"http://[{PATH}"}),
    "400": reply(400, ECHO),
    "mismatch": reply(400, b"IdempotentRequestError " + ECHO),
    "401": reply(401, ECHO),
    "403": reply(403, ECHO),
    "404": reply(404, ECHO),
    "413": reply(413, ECHO),
    "422": reply(422, ECHO),
    "422 on a field": reply(422, {"details": {ECHO.decode(): [ECHO.decode()]}}),
    "422 still sending": reply(422, b"still being sent " + ECHO),
    "429": reply(429, ECHO, {"Retry-After": ECHO.decode()}),
    "500": reply(500, ECHO),
    "503": reply(503, ECHO, {"Retry-After": ECHO.decode()}),
    "reset": reset,
    "closed": close,
    "no HTTP": raw(ECHO),
    "odd headers": raw(ODD_HEADERS),
    "bad chunk": raw(b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + ECHO),
    "unreadable list": reply(200, {"invitations": [{"id": ECHO.decode()}]}),
    "unreadable show": reply(200, {"invitation": {"id": 1, "created_at": ECHO.decode()}}),
    "next page elsewhere": reply(
        200, {"invitations": [], "next_page": f"http://{PATH}.example.com"}
    ),
}
CALLS: dict[str, Callable[[NpsProvider], object]] = {
    "invite": lambda provider: provider.invite(1, provider.encode([JANA]), "batch-1"),
    "list": lambda provider: provider.list_after(1, 0),
    "show": lambda provider: provider.show(1, 7),
    "http": lambda provider: provider._http.call(
        "POST", provider._url(1), body=provider.encode([JANA])
    ),
}


@contextmanager
def self_signed(certificate: Path) -> Iterator[str]:
    with serving(certificate) as server:
        yield server.url


@contextmanager
def unreadable() -> Iterator[str]:
    yield "https://[planted"


def _authenticate(_: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
    return sign_in(CREDENTIALS)


def everything_shown(base_url: str, call: Callable[[NpsProvider], object], **more: Any) -> str:
    """Make the call; return all that its outcome shows of itself."""
    provider = nps(f"{base_url}/{PATH}", _authenticate, **more)
    try:
        return repr(call(provider))
    except (LookUpError, NeverSentError, LostError) as error:
        shown = [repr(vars(error))]
        for each in walk(error):
            # Ours are known to hold no more than they show; requests' hold the request itself.
            assert type(each).__module__.startswith("afterword.")
            shown += [str(each), repr(each), *traceback.format_exception(each)]
        return "\n".join(shown)


def look(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    provider: AbstractContextManager[str],
    call: Callable[[NpsProvider], object],
    **more: Any,
) -> None:
    """Assert that nothing planted is shown: by the outcome, a log of any level, or the two outputs."""
    with caplog.at_level(logging.DEBUG), provider as base_url:
        shown = everything_shown(base_url, call, **more)
    for text in (shown, caplog.text, *capfd.readouterr()):
        for planted in PLANTED:
            assert planted not in text


def test_what_is_planted_does_go_out(caplog: pytest.LogCaptureFixture) -> None:
    """Else the tests below would prove nothing."""
    with caplog.at_level(logging.DEBUG), serving() as server:
        everything_shown(server.url, CALLS["http"])
    (request,) = server.received
    assert PATH in request.path
    assert request.headers["authorization"] == AUTHORIZATION
    assert b"jana.planted" in request.body


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_shows_what_was_planted(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    call: Callable[[NpsProvider], object],
) -> None:
    look(caplog, capfd, answering(answer), call)


@pytest.mark.parametrize("call", [CALLS["list"], CALLS["http"]], ids=["list", "http"])
@pytest.mark.parametrize("answer", [silence, trickling_headers])
def test_no_call_without_an_answer_shows_what_was_planted(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    call: Callable[[NpsProvider], object],
) -> None:
    with serving(otherwise=answer) as server:
        look(caplog, capfd, nullcontext(server.url), call, clock=OverOnce(server.reached))


@pytest.mark.parametrize("call", [CALLS["list"], CALLS["http"]], ids=["list", "http"])
@pytest.mark.parametrize("answer", [trickling_body(201), stalled_body(422)])
def test_no_body_without_an_end_shows_what_was_planted(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    reading: Event,
    answer: Answer,
    call: Callable[[NpsProvider], object],
) -> None:
    look(caplog, capfd, answering(answer), call, clock=OverOnce(reading))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("provider", [refusing, hanging_up, partial(speaking, ECHO), unreadable])
def test_no_failed_connection_shows_what_was_planted(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    provider: Callable[[], AbstractContextManager[str]],
    call: Callable[[NpsProvider], object],
) -> None:
    look(caplog, capfd, provider(), call)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_refused_certificate_shows_what_was_planted(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    certificate: Path,
    call: Callable[[NpsProvider], object],
) -> None:
    look(caplog, capfd, self_signed(certificate), call)
