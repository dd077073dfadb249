"""Calls that are made together share connections, where the server has promised to keep them."""

from __future__ import annotations

import gc
import socket
import threading
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest

from afterword.noting import Notes
from afterword.sending import sessions
from afterword.sending.calls import LostError, NeverSentError, Request
from afterword.sending.concurrent_http import ConcurrentHttp
from afterword.sending.sessions import MOST_BYTES
from afterword.sending.watching import timed
from tests.support.nps import OverOnce, Stopwatch
from tests.support.servers import (
    Answer,
    Exchange,
    close,
    kept,
    refusing_port,
    reply,
    reset,
    serving,
    silence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from ssl import SSLContext

    from tests.support.servers import Server

PROMISED = kept({}, {"Connection": "Keep-Alive"})
UNSAID = kept({}, {})
EACH_METHOD = pytest.mark.parametrize("method", ["POST", "GET"])


def asked(url: str, method: str = "POST") -> Request:
    return Request(method, url, {}, b"a=1" if method == "POST" else None)


def call_all(http: ConcurrentHttp, *requests: Request, at_once: int = 1) -> list[object]:
    """Return statuses and errors."""
    with http.together(at_once) as call:
        found = call(requests, http.deadline())
    return [getattr(each, "status", each) for each in found]


def wait_for_the_end() -> None:
    """Until all threads that make calls have ended."""
    for each in threading.enumerate():
        if each.name.startswith("http"):
            each.join()


@EACH_METHOD
def test_a_connection_serves_again_where_the_server_has_promised_it(
    server: Server, method: str
) -> None:
    server.otherwise = PROMISED
    assert call_all(ConcurrentHttp(20), *[asked(server.url, method)] * 5) == [200] * 5
    assert (server.connections, len(server.received)) == (1, 5)
    assert {each.headers["connection"] for each in server.received} == {"keep-alive"}


@pytest.mark.parametrize(
    "answer",
    [UNSAID, kept({}, {"Connection": "no-keep-alive"}), reply(200, {})],
    ids=["unsaid", "something else", "closed"],
)
def test_without_a_promise_each_call_has_its_own_connection(server: Server, answer: Answer) -> None:
    """Who closes without a word leaves in doubt what was sent meanwhile."""
    server.otherwise = answer
    assert call_all(ConcurrentHttp(20), *[asked(server.url)] * 5) == [200] * 5
    assert server.connections == 5


def test_without_a_promise_a_late_body_makes_no_difference(server: Server) -> None:
    """The connection is still in use when the head is there."""

    def answer(exchange: Exchange) -> None:
        exchange.kept = True
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        exchange.write(b"-" * 200_000)

    server.otherwise = answer
    assert call_all(ConcurrentHttp(20), *[asked(server.url)] * 3) == [200] * 3
    assert server.connections == 3


def test_calls_that_follow_share_them_too(server: Server) -> None:
    server.otherwise = PROMISED
    one = ConcurrentHttp(20)
    with one.together(2) as call:
        for _ in range(3):
            assert len(call([asked(server.url)], one.deadline())) == 1
    assert (server.connections, len(server.received)) == (1, 3)


def test_a_kept_connection_that_was_closed_meanwhile_serves_nobody(server: Server) -> None:
    closed = threading.Semaphore(0)

    def answer_and_close(exchange: Exchange) -> None:
        PROMISED(exchange)
        exchange.connection.shutdown(socket.SHUT_RDWR)
        closed.release()

    server.otherwise = answer_and_close
    one = ConcurrentHttp(20)
    with one.together(1) as call:
        for _ in range(3):
            (found,) = call([asked(server.url)], one.deadline())
            assert getattr(found, "status", found) == 200
            assert closed.acquire(timeout=60)
    assert server.connections == 3


@EACH_METHOD
def test_what_a_server_says_unasked_answers_nobody(server: Server, method: str) -> None:
    """Else each call on that connection would get the answer of the one before it."""
    answered, said = threading.Event(), threading.Event()

    def speak_unasked(exchange: Exchange) -> None:
        PROMISED(exchange)
        assert answered.wait(60)
        exchange.write(b"HTTP/1.1 401 No\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
        said.set()

    server.will(speak_unasked)
    server.otherwise = PROMISED
    one = ConcurrentHttp(20)
    with one.together(1) as call:
        (first,) = call([asked(server.url, method)], one.deadline())
        answered.set()
        assert said.wait(60)
        second, third = call([asked(server.url, method)] * 2, one.deadline())
    assert [getattr(each, "status", each) for each in (first, third)] == [200, 200]
    assert isinstance(second, NeverSentError)
    assert len(server.received) == 2


def test_no_connection_outlives_the_calls_that_were_made_together(server: Server) -> None:
    server.otherwise = PROMISED
    one = ConcurrentHttp(20)
    for _ in range(2):
        assert call_all(one, *[asked(server.url)] * 2) == [200] * 2
    assert server.connections == 2
    wait_for_the_end()


@EACH_METHOD
@pytest.mark.parametrize("broken", [reset, close])
def test_a_kept_connection_that_breaks_leaves_its_call_in_doubt_and_is_not_tried_again(
    server: Server, broken: Answer, method: str
) -> None:
    server.will(PROMISED, broken, PROMISED)
    first, second, third = call_all(ConcurrentHttp(20), *[asked(server.url, method)] * 3)
    assert (first, third) == (200, 200)
    assert isinstance(second, LostError)
    assert (server.connections, len(server.received)) == (2, 3)


def test_what_comes_of_one_call_is_nothing_to_the_others(server: Server) -> None:
    server.otherwise = reply(201, {})
    with refusing_port() as port:
        found = call_all(
            ConcurrentHttp(20),
            asked(server.url),
            asked(f"http://127.0.0.1:{port}"),
            asked("http://["),
            asked(server.url),
            at_once=2,
        )
    assert [found[0], found[3]] == [201, 201]
    assert [str(each) for each in found[1:3] if isinstance(each, NeverSentError)] == [
        "ClientConnectorError",
        "ValueError",
    ]


def test_an_address_goes_out_as_it_is(server: Server) -> None:
    """What looks like more than one part of a path, or like an encoded character, is neither."""
    server.otherwise = reply(200, {})
    path, query = "/a%2Fb%2Bc%252F%7Ed//e", "email=a%2Bb%40example.com&x=%41"
    assert call_all(ConcurrentHttp(20), asked(f"{server.url}{path}?{query}", "GET")) == [200]
    (request,) = server.received
    assert (request.path, request.query) == (path, query)


def test_no_redirect_is_followed_and_no_cookie_kept(server: Server) -> None:
    headers = {"Location": server.url, "Set-Cookie": "session=1"}
    server.otherwise = reply(302, {}, headers)
    # A name: from a number, aiohttp would keep none in any case.
    url = server.url.replace("127.0.0.1", "localhost")
    assert call_all(ConcurrentHttp(20), *[asked(url, "GET")] * 2) == [302, 302]
    assert {each.headers["accept-encoding"] for each in server.received} == {"identity"}
    assert ["cookie" in each.headers for each in server.received] == [False, False]


def test_proxies_of_the_environment_are_nothing_to_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        server.otherwise = reply(200, {})
        assert call_all(ConcurrentHttp(20), asked(server.url)) == [200]


def test_when_the_time_is_over_nothing_goes_out(server: Server) -> None:
    clock = Stopwatch()
    late = ConcurrentHttp(20, clock)
    until = late.deadline()
    clock.now = 20
    with late.together(1) as call:
        (found,) = call([asked(server.url)], until)
    assert isinstance(found, NeverSentError)
    assert server.connections == 0


def test_what_is_given_up_ends_and_leaves_nobody_behind(server: Server) -> None:
    server.otherwise = silence
    one = ConcurrentHttp(20, OverOnce(server.reached))
    found = call_all(one, *[asked(server.url)] * 2)
    assert isinstance(found[0], LostError)
    assert isinstance(found[1], NeverSentError)
    wait_for_the_end()
    assert len(server.received) == 1


def test_by_tls_what_is_given_up_is_closed_too(trusted: Path) -> None:
    """Not with the next collection of garbage: the function may be frozen until then."""
    left: list[str] = []
    known = threading.Event()

    def see_it_go(exchange: Exchange) -> None:
        try:
            with suppress(OSError):
                while exchange.connection.recv(1):
                    pass
            # Beneath TLS, whose goodbye alone closes nothing.
            with socket.socket(fileno=exchange.connection.detach()) as beneath:
                beneath.settimeout(10)
                beneath.recv(1)
        except TimeoutError:
            left.append("open")
        except OSError:
            left.append("reset")
        else:
            left.append("closed")
        known.set()

    gc.disable()
    try:
        with serving(trusted, otherwise=see_it_go) as server:
            call_all(ConcurrentHttp(20, OverOnce(server.reached)), asked(server.url))
            wait_for_the_end()
            assert known.wait(60)
    finally:
        gc.enable()
    assert left in (["closed"], ["reset"])


def test_a_fault_of_aiohttps_concerns_one_person(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([TypeError("planted")])

    async def read(_: object) -> bytes:
        for each in faults:
            raise each
        return b""

    monkeypatch.setattr(sessions, "_read", read)
    server.otherwise = PROMISED
    first, *others = call_all(ConcurrentHttp(20), *[asked(server.url)] * 3)
    assert isinstance(first, LostError)
    assert (str(first), others) == ("TypeError", [200, 200])


def test_after_a_fault_of_ours_nothing_goes_on(server: Server) -> None:
    turns = count(1)

    @contextmanager
    def watch() -> Iterator[None]:
        if next(turns) == 2:
            raise KeyError
        yield

    server.otherwise = PROMISED
    one = ConcurrentHttp(20, watch=watch)
    with one.together(2) as call:
        with pytest.raises(KeyError):
            call([asked(server.url)] * 100, one.deadline())
        later = [call([asked(server.url)], one.deadline()) for _ in range(30)]
    assert len(later) == 30
    # Until the fault was heard of, some went out. Without an end to them as many as there were later would have.
    assert len(server.received) < 30 + 15


def test_who_can_not_begin_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: int) -> None:
        raise OSError

    monkeypatch.setattr(sessions, "open_session", fail)
    with pytest.raises(OSError), ConcurrentHttp(20).together(1):  # noqa: PT011 -- it is ours
        pass
    wait_for_the_end()


def test_an_endless_answer_is_read_in_part(server: Server) -> None:
    gone = threading.Event()

    def pour(exchange: Exchange) -> None:
        exchange.write_head(200, {"Content-Length": "1000000000"})
        with suppress(OSError):
            while not exchange.released.is_set():
                exchange.write(b"-" * 65_536)
        gone.set()

    server.otherwise = pour
    one = ConcurrentHttp(60)
    with one.together(1) as call:
        (found,) = call([asked(server.url)], one.deadline())
        assert gone.wait(60)
    assert len(getattr(found, "body", b"")) == MOST_BYTES


def test_each_call_is_counted_and_timed(server: Server) -> None:
    server.otherwise = PROMISED
    notes = Notes()
    call_all(ConcurrentHttp(20, watch=lambda: timed(notes, "panel")), *[asked(server.url)] * 3)
    measured = [each.metric for each in notes.take_measured()]
    assert measured == ["ProviderCalls", "ProviderLatency"] * 3


def test_no_request_shows_what_may_be_secret() -> None:
    shown = repr(Request("POST", "https://planted", {"planted": "planted"}, b"planted"))
    assert "planted" not in shown


def test_the_list_of_authorities_is_read_once_for_all_calls(
    trusted: Path, made: list[SSLContext]
) -> None:
    with serving(trusted) as server:
        server.otherwise = reply(200, {})
        one = ConcurrentHttp(20)
        for _ in range(2):
            assert call_all(one, *[asked(server.url)] * 2) == [200] * 2
    assert (len(made), server.connections) == (1, 4)


def test_over_tls_connections_serve_again_too(trusted: Path) -> None:
    with serving(trusted) as server:
        server.otherwise = PROMISED
        assert call_all(ConcurrentHttp(20), *[asked(server.url)] * 3) == [200] * 3
    assert server.connections == 1


def test_without_tls_it_is_not_read(server: Server, made: list[SSLContext]) -> None:
    server.otherwise = reply(200, {})
    call_all(ConcurrentHttp(20), asked(server.url))
    assert made == []


@EACH_METHOD
def test_a_certificate_for_another_name_is_refused(trusted: Path, method: str) -> None:
    with serving(trusted) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        (found,) = call_all(ConcurrentHttp(20), asked(url, method))
    assert isinstance(found, NeverSentError)
    assert str(found) == "ClientConnectorCertificateError"
    assert server.received == []


@EACH_METHOD
def test_so_is_one_that_nobody_vouches_for(certificate: Path, method: str) -> None:
    with serving(certificate) as server:
        (found,) = call_all(ConcurrentHttp(20), asked(server.url, method))
    assert isinstance(found, NeverSentError)
    assert str(found) == "ClientConnectorCertificateError"
    assert server.received == []
