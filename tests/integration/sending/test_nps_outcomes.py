"""What becomes of a call, whatever a real server does to it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from afterword.sending.calls import MOST_BYTES, NeverSentError
from afterword.sending.provider import Outcome, Recipient, Refused, Retry, Sent, Uncertain
from tests.support.nps import SECONDS, EachRequestTakes, OverOnce, nps
from tests.support.samples import NOW
from tests.support.servers import (
    Answer,
    Exchange,
    Server,
    close,
    raw,
    refusing_port,
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
    from collections.abc import Mapping
    from pathlib import Path

RECIPIENT = Recipient("jana@example.com", "Jana", "cs-CZ")
PATH = "/api/v2/nps/surveys/1/invitations.json"
CREATED = {"invitation": {"created_at": "2020-01-07T10:22:00Z", "id": 7, "survey_id": 1}}
ACCEPTED = reply(201, CREATED)
REFUSED_FIELD = {
    "error": "RecordInvalid",
    "description": "Record validation errors",
    "details": {"recipients[0].email": [{"error": "InvalidValue"}]},
}
STILL_SENDING = {
    "error": "RecordInvalid",
    "details": {"base": [{"description": "Invitations are still being sent for this survey"}]},
}
UNKNOWN = {"error": "RecordInvalid", "description": "Something else"}
BUSY = Retry("still_being_sent", after=60)
CREDENTIALS = Retry("credentials", whole_account=True, breaks=True)


def invite(base_url: str, **changes: Any) -> Outcome:
    provider = nps(base_url, **changes)
    return provider.invite(1, provider.encode([RECIPIENT]), "batch-1")


def listed(*statuses: str) -> Answer:
    invitations = [
        {"id": number, "created_at": "2020-01-07T10:22:00Z", "status": status}
        for number, status in enumerate(statuses, start=1)
    ]
    return reply(200, {"invitations": invitations, "next_page": None})


def test_a_call_is_the_body_under_its_key_signed_in(server: Server) -> None:
    server.will(ACCEPTED)
    assert invite(f"{server.url}/base") == Sent(7)

    (request,) = server.received
    assert (request.method, request.path) == ("POST", f"/base{PATH}")
    assert request.body == nps(server.url).encode([RECIPIENT])
    wanted = {
        "authorization": "Bearer cached",
        "content-type": "application/json",
        "accept": "application/json",
        "idempotency-key": "batch-1",
        "content-length": str(len(request.body)),
    }
    assert wanted.items() <= request.headers.items()
    assert "transfer-encoding" not in request.headers


def test_a_full_call_arrives_whole(server: Server) -> None:
    server.will(ACCEPTED)
    provider = nps(server.url)
    body = provider.encode([Recipient(f"{n}@example.com", "名" * 20, "ja") for n in range(10_000)])
    assert provider.invite(1, body, "batch-1") == Sent(7)
    assert server.received[0].body == body


@pytest.mark.parametrize(
    "answer",
    [
        reply(201, b""),
        reply(201, b"<html>Created</html>", {"Content-Type": "text/html"}),
        reply(200, b"null"),
        reply(201, b" " * MOST_BYTES + b'{"invitation":{"id":7}}'),
        reply(201, b"no gzip at all", {"Content-Encoding": "gzip"}),
        truncated(201, b'{"invitation":{"id":7'),
        raw(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno chunk"),
    ],
    ids=["empty", "html", "null", "huge", "broken gzip", "truncated", "broken chunk"],
)
def test_accepted_is_sent_even_if_the_body_is_broken(server: Server, answer: Answer) -> None:
    server.will(answer)
    assert invite(server.url) == Sent(None)


@pytest.mark.parametrize("answer", [trickling_body(201), stalled_body(201)])
def test_accepted_is_sent_even_if_the_body_never_comes_to_an_end(
    server: Server, reading: threading.Event, answer: Answer
) -> None:
    server.will(answer)
    assert invite(server.url, clock=OverOnce(reading)) == Sent(None)


def test_no_more_is_read_than_an_answer_may_have(server: Server) -> None:
    gone = threading.Event()

    def flood(exchange: Exchange) -> None:
        exchange.write_head(201, {})
        try:
            for _ in range(20):
                exchange.write(b" " * MOST_BYTES)
        except OSError:
            gone.set()

    server.will(flood)
    assert invite(server.url) == Sent(None)
    assert gone.wait(60)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "http://[no-address"])
def test_a_redirect_is_not_followed(server: Server, status: int, location: str) -> None:
    server.will(reply(status, headers={"Location": location}))
    assert invite(server.url) == Retry(f"http_{status}")
    assert len(server.received) == 1


def test_the_body_of_a_redirect_is_bounded_too(server: Server) -> None:
    server.will(reply(302, b"x" * (MOST_BYTES + 1), {"Location": "/elsewhere"}))
    assert invite(server.url) == Retry("http_302")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(400, {"error": "TooManyValues", "max_count": 10_000}), Refused("http_400")),
        (reply(413, b"<html>Too large</html>"), Refused("http_413")),
        (reply(400, {"error": "IdempotentRequestError"}), Uncertain("idempotency_mismatch")),
        (reply(404, {"error": "RecordNotFound"}), Retry("http_404")),
        (reply(408), Uncertain("http_408")),
        (reply(500, b"<html>Oops</html>", {"Content-Type": "text/html"}), Uncertain("http_500")),
        (reply(502), Uncertain("http_502")),
        (reply(504), Uncertain("http_504")),
        (reply(503), Uncertain("http_503")),
        (
            reply(503, headers={"Retry-After": "10"}),
            Retry("http_503", after=10, whole_account=True, outage=True),
        ),
        (reply(429), Retry("http_429", whole_account=True)),
        (
            reply(429, b"one sentence", {"Retry-After": "93", "Content-Type": "text/html"}),
            Retry("http_429", after=93, whole_account=True),
        ),
        (
            reply(429, headers={"Retry-After": "Fri, 15 Jan 2027 08:02:00 GMT"}),
            Retry("http_429", after=120, whole_account=True),
        ),
        (reply(422, STILL_SENDING), BUSY),
        (reply(422, REFUSED_FIELD), Refused("http_422")),
        (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Uncertain("http_103")),
    ],
)
def test_every_answer_has_its_meaning(server: Server, answer: Answer, outcome: Outcome) -> None:
    assert NOW == 1_800_000_000  # A minute past eight, on the day of the date above.
    server.will(answer)
    assert invite(server.url) == outcome
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(401, {"error": "Couldn't authenticate you"}),
        reply(403, {"error": {"title": "Forbidden", "message": "Access is restricted."}}),
        reply(403, {"error": "Forbidden", "description": "Missing scopes"}),
    ],
)
def test_a_rotated_secret_is_read_past_the_cache(server: Server, answer: Answer) -> None:
    server.will(answer, ACCEPTED)
    assert invite(server.url) == Sent(7)

    first, second = server.received
    assert first.headers["authorization"] == "Bearer cached"
    assert second.headers["authorization"] == "Bearer rotated"
    assert second.body == first.body
    assert second.headers["idempotency-key"] == first.headers["idempotency-key"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_stays_refused_is_not_tried_a_third_time(server: Server, status: int) -> None:
    server.otherwise = reply(status)
    assert invite(server.url) == CREDENTIALS
    assert len(server.received) == 2


def test_the_repeated_call_has_no_time_of_its_own(server: Server) -> None:
    server.will(reply(401))
    assert invite(server.url, clock=EachRequestTakes(SECONDS + 1)) == Retry(
        "unreachable: time-out", outage=True
    )
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("second", "outcome"),
    [(close, Uncertain("no answer: ConnectionError")), (reply(500), Uncertain("http_500"))],
)
def test_the_repeated_call_may_be_in_doubt(
    server: Server, second: Answer, outcome: Outcome
) -> None:
    server.will(reply(401), second)
    assert invite(server.url) == outcome


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"[1]",
        b"{}",
        b'{"details":"Invitations"}',
        b'{"details":["recipients"]}',
        b'{"details":{}}',
        b'{"details":{"base":[{"description":"Something else"}]}}',
    ],
)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (listed("delivered", "preparing"), BUSY),
        (listed("scheduled"), BUSY),
        (listed("delivered", "failed", "zero_recipients"), Refused("http_422")),
        (listed(), Refused("http_422")),
    ],
    ids=["preparing", "scheduled", "done", "none"],
)
def test_the_list_decides_on_a_422_that_says_nothing(
    server: Server, body: bytes, answer: Answer, outcome: Outcome
) -> None:
    server.will(reply(422, body), answer)
    assert invite(server.url) == outcome
    assert [(each.method, each.path) for each in server.received] == [("POST", PATH), ("GET", PATH)]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([close], Retry("no answer: ConnectionError", outage=True)),
        ([reply(500)], Retry("http_500", outage=True)),
        ([reply(200, b"no list")], Retry("unreadable answer")),
        ([reply(429, headers={"Retry-After": "5"})], Retry("http_429", 5, whole_account=True)),
        ([reply(401), reply(401)], CREDENTIALS),
    ],
)
def test_a_422_whose_list_cannot_be_had_is_tried_again(
    server: Server, answers: list[Answer], outcome: Outcome
) -> None:
    server.will(reply(422, UNKNOWN), *answers)
    assert invite(server.url) == outcome


def test_a_422_leaves_its_list_no_time_of_its_own(server: Server) -> None:
    server.will(reply(422, UNKNOWN))
    assert invite(server.url, clock=EachRequestTakes(SECONDS + 1)) == Retry(
        "no answer: time-out", outage=True
    )
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reset, "ConnectionError"),
        (close, "ConnectionError"),
        (raw(b"this is no HTTP\r\n\r\n"), "ConnectionError"),
        (raw(b"HTTP/1.1 2"), "ConnectionError"),
        (raw(b"HTTP/1.1 500 No\r\n", b"X-A: a\r\n" * 101, b"\r\n"), "ConnectionError"),
        (raw(b"HTTP/1.1 500 No\r\nContent-Length: 1, 2\r\n\r\n"), "InvalidHeader"),
    ],
    ids=["reset", "closed", "no HTTP", "half a status", "too many headers", "two lengths"],
)
def test_an_answer_that_is_lost_leaves_the_call_in_doubt(
    server: Server, answer: Answer, reason: str
) -> None:
    server.will(answer)
    outcome = invite(server.url)
    assert outcome == Uncertain(f"no answer: {reason}")
    assert len(server.received) == 1


@pytest.mark.parametrize("answer", [silence, trickling_headers], ids=["silence", "trickle"])
def test_no_answer_within_the_time_of_a_call_leaves_it_in_doubt(
    server: Server, answer: Answer
) -> None:
    server.will(answer)
    clock = OverOnce(server.reached)
    assert invite(server.url, clock=clock) == Uncertain("no answer: time-out")
    assert len(server.received) == 1


def test_a_refused_connection_is_certain(server: Server) -> None:
    with refusing_port() as port:
        outcome = invite(f"http://127.0.0.1:{port}")
    assert outcome == Retry("unreachable: ConnectionError", outage=True)
    assert server.connections == 0


def test_a_name_that_does_not_resolve_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert invite("https://nps.invalid") == Retry("unreachable: ConnectionError", outage=True)


def test_a_certificate_that_nobody_vouches_for_is_certain(certificate: Path) -> None:
    with serving(certificate) as server:
        assert invite(server.url) == Retry("unreachable: SSLError", outage=True)
    assert server.received == []


def test_no_tls_where_tls_should_be_is_certain(server: Server) -> None:
    server.at_once = lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    outcome = invite(server.url.replace("http:", "https:"))
    assert outcome == Retry("unreachable: SSLError", outage=True)


def test_a_connection_that_ends_in_the_handshake_is_certain(server: Server) -> None:
    server.at_once = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    outcome = invite(server.url.replace("http:", "https:"))
    assert isinstance(outcome, Retry)
    assert outcome.outage


def test_a_handshake_without_an_end_is_certain(server: Server) -> None:
    def stall(_: socket.socket) -> None:
        server.released.wait()

    server.at_once = stall
    outcome = invite(server.url.replace("http:", "https:"), clock=OverOnce(server.reached))
    assert outcome == Retry("unreachable: time-out", outage=True)


def test_a_name_that_resolves_too_late_invites_nobody_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was reported as never sent must not go out behind the ledger's back."""
    resolve, asked, given_up = socket.getaddrinfo, threading.Event(), threading.Event()

    def resolve_late(*args: Any, **more: Any) -> Any:
        asked.set()
        given_up.wait()
        return resolve(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    with serving() as server:
        outcome = invite(server.url, clock=OverOnce(asked))
        given_up.set()
        for thread in threading.enumerate():
            if thread.name.startswith("http"):
                thread.join()
    assert outcome == Retry("unreachable: time-out", outage=True)
    assert server.received == []


@pytest.mark.parametrize("secret", ["žluťoučký", "two\r\nlines"])
def test_a_secret_that_fits_into_no_header_is_certain(server: Server, secret: str) -> None:
    def sign_in(_: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
        return {"Authorization": secret}

    outcome = invite(server.url, authenticate=sign_in)
    assert isinstance(outcome, Retry)
    assert outcome.outage
    assert server.received == []


@pytest.mark.parametrize("error", [HTTPError, requests.RequestException, OSError])
def test_whatever_the_libraries_raise_before_the_call_is_certain(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """requests lets some of urllib3's errors through as they are."""

    def send(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(HTTPAdapter, "send", send)
    outcome = invite("https://nps.example.com")
    assert outcome == Retry(f"unreachable: {error.__name__}", outage=True)


def test_without_credentials_nothing_goes_out(server: Server) -> None:
    def sign_in(_: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
        raise NeverSentError("no usable credentials")

    outcome = invite(server.url, authenticate=sign_in)
    assert outcome == Retry("unreachable: no usable credentials", outage=True)
    assert server.connections == 0


def test_credentials_that_are_slow_to_come_take_from_the_time_of_the_call(server: Server) -> None:
    asked = threading.Event()

    def sign_in(_: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
        asked.set()
        server.released.wait()
        return {}

    outcome = invite(server.url, authenticate=sign_in, clock=OverOnce(asked))
    assert outcome == Retry("unreachable: time-out", outage=True)
    assert server.received == []


def test_every_call_has_a_connection_and_no_memory_of_its_own(server: Server) -> None:
    server.will(reply(201, CREATED, {"Set-Cookie": "session=1"}), ACCEPTED)
    provider = nps(server.url)
    body = provider.encode([RECIPIENT])
    assert [provider.invite(1, body, key) for key in ("batch-1", "batch-2")] == [Sent(7), Sent(7)]
    assert server.connections == 2
    assert "cookie" not in server.received[1].headers


def test_proxies_and_passwords_of_the_environment_are_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.will(ACCEPTED)
    assert invite(server.url) == Sent(7)
    assert server.received[0].headers["authorization"] == "Bearer cached"
