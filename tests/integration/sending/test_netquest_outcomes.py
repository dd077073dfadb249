"""What becomes of Netquest's calls, whatever a real server or the network does to them."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from afterword.sending.provider import Each, Recipient, Retry, Sent, Single, Terms, Uncertain
from afterword.sending.sessions import MOST_BYTES
from tests.support.netquest import AUTH, KEY, ROTATED, netquest, secret
from tests.support.nps import OverOnce, Stopwatch
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
    from pathlib import Path

    from afterword.deciding.accounts import Credentials

# From Netquest's own example, word for word.
WEBHOOKS = f"/webhooks/387487/{KEY}/{AUTH}"
GOLDEN = "id_survey=419349&id_template=1833&token=81a2B7&delay=15&footer=0"
TERMS = Terms(template=1833, footer=False, delay=15)
RESENDS = Terms(template=1833, resends=True)
JANA = Recipient("jana@example.com", "Jana", "cs", "81a2B7")
SUCCESS = reply(200, {"type": "success", "msg": "Invitation has been sent"})
UNAUTHORIZED = reply(200, {"type": "error", "msg": "Unauthorized"})
METHODS = pytest.mark.parametrize("method", ["POST", "GET"])
_AT_ONCE = 8


def invite(base_url: str, *people: Recipient, terms: Terms = TERMS, **changes: Any) -> Each:
    provider = netquest(base_url, **changes)
    return provider.invite(419349, provider.encode(people, terms), "batch-1")


def ask(base_url: str, **changes: Any) -> Single:
    (outcome,) = invite(base_url, JANA, **changes).outcomes
    return outcome


def crowd(size: int) -> list[Recipient]:
    return [Recipient(f"p{n}@example.com", None, "cs", f"T{n}") for n in range(size)]


def test_a_form_arrives_as_the_example_has_it(server: Server) -> None:
    server.will(SUCCESS)
    assert ask(f"{server.url}/base") == Sent(None)
    (request,) = server.received
    assert (request.method, request.query) == ("POST", "")
    assert request.path == f"/base{WEBHOOKS}/send-invitation-to-token"
    assert request.body.decode() == GOLDEN
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["content-length"] == str(len(GOLDEN))
    assert "authorization" not in request.headers


def test_a_query_arrives_as_the_example_has_it(server: Server) -> None:
    server.will(SUCCESS)
    assert ask(server.url, method="GET") == Sent(None)
    (request,) = server.received
    assert (request.method, request.query, request.body) == ("GET", GOLDEN, b"")
    assert request.path == f"{WEBHOOKS}/send-invitation-to-token"


@METHODS
def test_odd_characters_arrive_escaped_on_the_wire(server: Server, method: str) -> None:
    server.will(SUCCESS)
    odd = Recipient("jana@example.com", None, "cs", "ž &=+%#?/")
    assert invite(server.url, odd, method=method) == Each((Sent(None),))
    (request,) = server.received
    said = request.query + request.body.decode()
    assert "&token=%C5%BE+%26%3D%2B%25%23%3F%2F&" in said


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(500, {"type": "success"}), Sent(None)),
        (reply(401, {"type": "success"}), Sent(None)),
        (reply(200, b"<html>OK</html>", {"Content-Type": "text/html"}), Uncertain("no_type")),
        (reply(204), Uncertain("no_type")),
        (truncated(200, b'{"type":"success","msg":"Invi'), Uncertain("no_type")),
        (truncated(200, b'{"type":"success"}'), Uncertain("no_type")),
        (reply(200, b" " * MOST_BYTES + b'{"type":"success"}'), Uncertain("no_type")),
        (reply(200, b"no gzip", {"Content-Encoding": "gzip"}), Uncertain("no_type")),
        (reply(302, headers={"Location": "/elsewhere"}), Retry("http_302")),
        (reply(500, b"<html>Oops</html>"), Uncertain("http_500")),
        (reply(404, b"<html>Nothing here</html>"), Retry("http_404")),
    ],
)
def test_the_body_decides_and_without_a_type_nothing_is_a_success(
    server: Server, answer: Answer, outcome: Single
) -> None:
    server.will(answer)
    assert ask(server.url) == outcome
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_secret_that_has_not_changed_is_said_once(server: Server, status: int) -> None:
    server.otherwise = reply(status)
    assert ask(server.url) == Retry("credentials", whole_account=True, breaks=True)
    assert len(server.received) == 1


@pytest.mark.parametrize("refused", [UNAUTHORIZED, reply(403), reply(404)])
def test_a_rotated_secret_is_read_past_the_cache(server: Server, refused: Answer) -> None:
    def rotated(fresh: bool) -> Credentials:  # noqa: FBT001 -- the port's one argument
        return secret(ROTATED if fresh else KEY)

    server.will(refused, SUCCESS)
    assert ask(server.url, credentials=rotated) == Sent(None)
    first, second = server.received
    assert first.path == f"{WEBHOOKS}/send-invitation-to-token"
    assert second.path == first.path.replace(KEY, ROTATED)
    assert second.body == first.body


@METHODS
def test_a_refused_connection_is_certain(method: str) -> None:
    with refusing_port() as port:
        outcome = ask(f"http://127.0.0.1:{port}", method=method)
    assert outcome == Retry("unreachable: ClientConnectorError", outage=True)


@METHODS
def test_a_name_that_does_not_resolve_is_certain(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def resolve(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    outcome = ask("https://netquest.invalid", method=method)
    assert outcome == Retry("unreachable: ClientConnectorDNSError", outage=True)


@METHODS
def test_a_certificate_that_nobody_vouches_for_is_certain(certificate: Path, method: str) -> None:
    with serving(certificate) as server:
        outcome = ask(server.url, method=method)
    assert outcome == Retry("unreachable: ClientConnectorCertificateError", outage=True)
    assert server.received == []


@METHODS
def test_no_tls_where_tls_should_be_is_certain(server: Server, method: str) -> None:
    server.at_once = lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    outcome = ask(server.url.replace("http:", "https:"), method=method)
    assert outcome == Retry("unreachable: ClientConnectorSSLError", outage=True)


@METHODS
def test_a_connection_that_ends_in_the_handshake_is_certain(server: Server, method: str) -> None:
    server.at_once = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    outcome = ask(server.url.replace("http:", "https:"), method=method)
    assert isinstance(outcome, Retry)
    assert outcome.outage


@METHODS
def test_a_handshake_without_an_end_is_certain(server: Server, method: str) -> None:
    def stall(_: socket.socket) -> None:
        server.released.wait()

    server.at_once = stall
    url = server.url.replace("http:", "https:")
    outcome = ask(url, method=method, clock=OverOnce(server.reached))
    assert outcome == Retry("unreachable: time-out", outage=True)


@METHODS
def test_tls_that_breaks_after_the_request_leaves_it_in_doubt(trusted: Path, method: str) -> None:
    """The same kind of error as in a handshake."""

    def break_off(exchange: Exchange) -> None:
        # What is no TLS record, beneath TLS.
        with socket.socket(fileno=exchange.connection.detach()) as beneath:
            beneath.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with serving(trusted) as server:
        server.will(break_off)
        outcome = ask(server.url, method=method)
    assert len(server.received) == 1
    assert outcome == Uncertain("no answer: ClientConnectionError")


@METHODS
@pytest.mark.parametrize(
    "answer",
    [reset, close, raw(b"this is no HTTP\r\n\r\n"), raw(b"HTTP/1.1 2")],
    ids=["reset", "closed", "no HTTP", "half a status"],
)
def test_an_answer_that_is_lost_leaves_the_call_in_doubt(
    server: Server, answer: Answer, method: str
) -> None:
    server.will(answer)
    outcome = ask(server.url, method=method)
    assert isinstance(outcome, Uncertain)
    assert outcome.reason.startswith("no answer: Client")
    assert len(server.received) == 1


@METHODS
@pytest.mark.parametrize("answer", [silence, trickling_headers], ids=["silence", "trickle"])
def test_no_answer_in_time_leaves_the_call_in_doubt(
    server: Server, answer: Answer, method: str
) -> None:
    server.will(answer)
    outcome = ask(server.url, method=method, clock=OverOnce(server.reached))
    assert outcome == Uncertain("no answer: time-out")
    assert len(server.received) == 1


@pytest.mark.parametrize("answer", [trickling_body(200), stalled_body(200)])
def test_a_body_that_never_ends_says_nothing(
    server: Server, reading: threading.Event, answer: Answer
) -> None:
    server.will(answer)
    assert ask(server.url, clock=OverOnce(reading)) == Uncertain("no_type")


@pytest.mark.parametrize("answer", [reset, reply(500), reply(200, b"OK")])
def test_a_campaign_may_have_what_is_in_doubt_sent_again(server: Server, answer: Answer) -> None:
    server.will(answer)
    assert ask(server.url, terms=RESENDS) == Retry("uncertain_resent", doubtful=True)
    assert len(server.received) == 1


def test_a_name_that_resolves_too_late_invites_nobody_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not by GET either, which has no body that could be kept back."""
    resolve, asked, given_up = socket.getaddrinfo, threading.Event(), threading.Event()

    def resolve_late(*args: Any, **more: Any) -> Any:
        asked.set()
        given_up.wait()
        return resolve(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
    with serving() as server:
        # A name: for a number nobody is asked.
        url = server.url.replace("127.0.0.1", "localhost")
        outcome = ask(url, method="GET", clock=OverOnce(asked))
        given_up.set()
        for thread in threading.enumerate():
            if thread.name.startswith("http"):
                thread.join()
    assert outcome == Retry("unreachable: time-out", outage=True)
    assert server.received == []


def test_what_was_not_begun_in_a_batchs_time_has_certainly_not_gone_out(server: Server) -> None:
    watch, together = Stopwatch(), threading.Barrier(_AT_ONCE)

    def answer_late(exchange: Exchange) -> None:
        together.wait(60)
        watch.now = 21
        SUCCESS(exchange)

    server.otherwise = answer_late
    outcomes = invite(server.url, *crowd(25), clock=watch).outcomes
    # The first eight have been asked, in time or in doubt; of the others nobody has.
    assert len(server.received) == _AT_ONCE
    late = Retry("unreachable: time-out", outage=True)
    assert set(outcomes[_AT_ONCE:]) == {late}
    assert late not in outcomes[:_AT_ONCE]


def test_eight_are_asked_at_once_and_never_more(server: Server) -> None:
    """The first eight wait for one another: fewer would wait for ever."""
    lock, together = threading.Lock(), threading.Barrier(_AT_ONCE)
    inside, most, seen = 0, 0, 0

    def count(exchange: Exchange) -> None:
        nonlocal inside, most, seen
        with lock:
            inside, seen = inside + 1, seen + 1
            most = max(most, inside)
            is_first = seen <= _AT_ONCE
        if is_first:
            together.wait(60)
        # Before the answer: who has it may be followed at once.
        with lock:
            inside -= 1
        SUCCESS(exchange)

    server.otherwise = count
    assert invite(server.url, *crowd(25)).count_sent() == 25
    assert (most, seen) == (_AT_ONCE, 25)


def test_a_batch_ends_with_its_calls(server: Server) -> None:
    server.otherwise = SUCCESS
    invite(server.url, *crowd(25))
    for each in threading.enumerate():
        if each.name.startswith("http"):
            each.join()
