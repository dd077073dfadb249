"""Calls that are made together share connections, where the server has promised to keep them; others never do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from urllib3.util.ssl_ import create_urllib3_context

from afterword.noting import Notes
from afterword.sending import http
from afterword.sending.http import Http, LostError, NeverSentError, Request
from afterword.sending.watching import timed
from tests.support.nps import Stopwatch
from tests.support.servers import Answer, close, kept, refusing_port, reply, reset, serving

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext

    from tests.support.servers import Server

PROMISED = kept({}, {"Connection": "Keep-Alive"})
UNSAID = kept({}, {})
EACH_METHOD = pytest.mark.parametrize("method", ["POST", "GET"])


def asked(url: str, method: str = "POST") -> Request:
    return Request(method, url, {}, b"a=1" if method == "POST" else None)


def call_all(http: Http, *requests: Request, at_once: int = 1) -> list[object]:
    """Return statuses and errors."""
    with http.together(at_once) as call:
        found = call(requests, http.deadline())
    return [getattr(each, "status", each) for each in found]


@EACH_METHOD
def test_a_connection_serves_again_where_the_server_has_promised_it(
    server: Server, method: str
) -> None:
    server.otherwise = PROMISED
    assert call_all(Http(20, None), *[asked(server.url, method)] * 5) == [200] * 5
    assert (server.connections, len(server.received)) == (1, 5)
    assert {each.headers["connection"] for each in server.received} == {"keep-alive"}


@pytest.mark.parametrize("answer", [UNSAID, reply(200, {})], ids=["unsaid", "closed"])
def test_without_a_promise_each_call_has_its_own_connection(server: Server, answer: Answer) -> None:
    """Who closes without a word leaves in doubt what was sent meanwhile."""
    server.otherwise = answer
    assert call_all(Http(20, None), *[asked(server.url)] * 5) == [200] * 5
    assert server.connections == 5


def test_calls_that_follow_share_them_too(server: Server) -> None:
    server.otherwise = PROMISED
    one = Http(20, None)
    with one.together(2) as call:
        for _ in range(3):
            assert len(call([asked(server.url)], one.deadline())) == 1
    assert (server.connections, len(server.received)) == (1, 3)


def test_no_connection_outlives_the_calls_that_were_made_together(server: Server) -> None:
    server.otherwise = PROMISED
    one = Http(20, None)
    for _ in range(2):
        assert call_all(one, *[asked(server.url)] * 2) == [200] * 2
    for _ in range(2):
        assert one.call("POST", server.url, body=b"a=1").status == 200
    assert server.connections == 4


@EACH_METHOD
@pytest.mark.parametrize("broken", [reset, close])
def test_a_kept_connection_that_breaks_leaves_its_call_in_doubt_and_is_not_tried_again(
    server: Server, broken: Answer, method: str
) -> None:
    server.will(PROMISED, broken, PROMISED)
    first, second, third = call_all(Http(20, None), *[asked(server.url, method)] * 3)
    assert (first, third) == (200, 200)
    assert isinstance(second, LostError)
    assert (server.connections, len(server.received)) == (2, 3)


def test_what_comes_of_one_call_is_nothing_to_the_others(server: Server) -> None:
    server.otherwise = reply(201, {})
    with refusing_port() as port:
        found = call_all(
            Http(20, None),
            asked(server.url),
            asked(f"http://127.0.0.1:{port}"),
            asked("http://["),
            asked(server.url),
            at_once=2,
        )
    assert [found[0], found[3]] == [201, 201]
    assert [str(each) for each in found[1:3] if isinstance(each, NeverSentError)] == [
        "ConnectionError",
        "InvalidURL",
    ]


def test_when_the_time_is_over_nothing_goes_out(server: Server) -> None:
    clock = Stopwatch()
    late = Http(20, None, clock)
    until = late.deadline()
    clock.now = 20
    with late.together(1) as call:
        (found,) = call([asked(server.url)], until)
    assert isinstance(found, NeverSentError)
    assert server.connections == 0


def test_each_call_is_counted_and_timed(server: Server) -> None:
    server.otherwise = PROMISED
    notes = Notes()
    call_all(Http(20, None, watch=lambda: timed(notes, "panel")), *[asked(server.url)] * 3)
    measured = [each.metric for each in notes.take_measured()]
    assert measured == ["ProviderCalls", "ProviderLatency"] * 3


def test_no_request_shows_what_may_be_secret() -> None:
    shown = repr(Request("POST", "https://planted", {"planted": "planted"}, b"planted"))
    assert "planted" not in shown


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[SSLContext]:
    """Every trust that was made."""
    found: list[SSLContext] = []

    def make() -> SSLContext:
        found.append(create_urllib3_context())
        return found[-1]

    monkeypatch.setattr(http, "create_urllib3_context", make)
    return found


def test_the_list_of_authorities_is_read_once_for_all_calls(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, made: list[SSLContext]
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    with serving(certificate) as server:
        server.otherwise = reply(200, {})
        one = Http(20, None)
        assert call_all(one, *[asked(server.url)] * 3) == [200] * 3
        assert one.call("POST", server.url, body=b"a=1").status == 200
    assert (len(made), server.connections) == (1, 4)


def test_without_tls_it_is_not_read(server: Server, made: list[SSLContext]) -> None:
    server.otherwise = reply(200, {})
    call_all(Http(20, None), asked(server.url))
    assert made == []


@EACH_METHOD
@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_for_another_name_is_refused_and_so_is_one_that_nobody_vouches_for(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, method: str, *, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    with serving(certificate) as server:
        url = server.url.replace("127.0.0.1", "localhost") if trusted else server.url
        (found,) = call_all(Http(20, None), asked(url, method))
    assert isinstance(found, NeverSentError)
    assert str(found) == "SSLError"
    assert server.received == []
