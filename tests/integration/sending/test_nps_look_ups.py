"""Asking a provider what it knows, whatever a real server answers."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from afterword.sending.calls import MOST_BYTES
from afterword.sending.provider import LAST_ID, LookUpError, Retry, Seen
from tests.support.nps import EachRequestTakes, OverOnce, nps
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
    truncated,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from afterword.sending.nps import NpsProvider

PATH = "/api/v2/nps/surveys/1/invitations.json"
CREATED_AT = 1_578_392_520
UNREADABLE = Retry("unreadable answer")

LOOK_UPS: dict[str, Callable[[NpsProvider], object]] = {
    "list": lambda provider: provider.list_after(1, 0),
    "show": lambda provider: provider.show(1, 7),
}


def shown(number: object, **changes: object) -> dict[str, object]:
    known = {"created_at": "2020-01-07T10:22:00Z", "status": "scheduled", "recipients_count": 3}
    return {"id": number, **known, **changes}


def seen(number: int) -> Seen:
    return Seen(number, CREATED_AT, "scheduled", 3)


def page(*numbers: int, next_page: object = None) -> Answer:
    return reply(200, {"invitations": [shown(each) for each in numbers], "next_page": next_page})


def refusal(look_up: Callable[[NpsProvider], object], provider: NpsProvider) -> Retry:
    with pytest.raises(LookUpError) as caught:
        look_up(provider)
    return caught.value.retry


def listing(base_url: str, **changes: Any) -> Retry:
    return refusal(LOOK_UPS["list"], nps(base_url, **changes))


def test_showing_asks_for_one_invitation_signed_in(server: Server) -> None:
    server.will(reply(200, {"invitation": shown(7)}))
    assert nps(f"{server.url}/base").show(1, 7) == seen(7)
    (request,) = server.received
    assert (request.method, request.path) == (
        "GET",
        "/base/api/v2/nps/surveys/1/invitations/7.json",
    )
    assert request.headers["authorization"] == "Bearer cached"
    assert request.headers["accept"] == "application/json"
    assert request.body == b""


@pytest.mark.parametrize("numbers", [(5, 6, 7, 8), (8, 7, 6, 5), (6, 8, 5, 7)])
def test_what_came_later_is_listed_in_the_order_of_ids(
    server: Server, numbers: tuple[int, ...]
) -> None:
    server.will(page(*numbers))
    assert nps(server.url).list_after(1, 6) == [seen(7), seen(8)]


@pytest.mark.parametrize("pages", [((5, 6), (7, 8), ()), ((8, 7), (6, 5), ())])
def test_pages_are_followed_to_the_end(server: Server, pages: tuple[tuple[int, ...], ...]) -> None:
    first, second, third = pages
    following = [f"{server.url}{PATH}?page={number}" for number in (2, 3)]
    server.will(
        page(*first, next_page=following[0]), page(*second, next_page=following[1]), page(*third)
    )
    assert nps(server.url).list_after(1, 0) == [seen(5), seen(6), seen(7), seen(8)]
    assert [(each.path, each.query) for each in server.received] == [
        (PATH, ""),
        (PATH, "page=2"),
        (PATH, "page=3"),
    ]
    assert {each.headers["authorization"] for each in server.received} == {"Bearer cached"}


def test_an_invitation_that_moves_to_another_page_is_listed_once(server: Server) -> None:
    server.will(page(8, 7, next_page=f"{server.url}{PATH}?page=2"), page(7, 6))
    assert nps(server.url).list_after(1, 0) == [seen(6), seen(7), seen(8)]


def test_a_list_without_paging_is_whole(server: Server) -> None:
    """The vendor's own example has no `next_page`, `status` or count of recipients."""
    server.will(
        reply(200, {"invitations": [{"id": 7, "created_at": "2020-01-07T10:22:00Z", "new": 1}]})
    )
    assert nps(server.url).list_after(1, 0) == [Seen(7, CREATED_AT, None, None)]


@pytest.mark.parametrize(
    "created_at",
    [
        "2020-01-07T10:22:00Z",
        "2020-01-07T10:22:00.987Z",
        "2020-01-07T02:22:00-08:00",
        "2020-01-07T12:22:00.5+02:00",
        "2020-01-07T10:22:00",
    ],
)
def test_times_are_read_however_they_are_written(server: Server, created_at: str) -> None:
    server.will(reply(200, {"invitation": shown(7, created_at=created_at)}))
    assert nps(server.url).show(1, 7).created_at == CREATED_AT


def test_the_own_host_is_known_however_it_is_written(server: Server) -> None:
    """Clients and servers leave out a default port, and write host names in small letters."""
    port = server.url.rpartition(":")[2]
    server.will(page(8, next_page=f"HTTP://127.0.0.1:{port}{PATH}?page=2"), page(7))
    assert nps(server.url).list_after(1, 0) == [seen(7), seen(8)]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.1.example.com:{port}/",
        "http://127.0.0.1:{port}@evil.example.com/",
        "http://somebody@127.0.0.1:{port}/",
        "http://127.0.0.1/",
        "http://127.0.0.1:{other}/",
        "http://127.0.0.1:99999/",
        "http://[no-address/",
        "//127.0.0.1:{port}/",
        "/api/v2/nps/surveys/1/invitations.json?page=2",
        "ftp://127.0.0.1:{port}/",
        "",
    ],
)
def test_no_page_elsewhere_gets_to_see_the_secret(server: Server, elsewhere: str) -> None:
    with serving() as other:
        ports = [each.url.rpartition(":")[2] for each in (server, other)]
        server.will(page(8, next_page=elsewhere.format(port=ports[0], other=ports[1])))
        assert listing(server.url) == Retry("next_page leads to another host")
    assert len(server.received) == 1
    assert other.connections == 0


def test_a_redirect_of_a_look_up_is_not_followed(server: Server) -> None:
    with serving() as other:
        server.will(reply(302, headers={"Location": other.url}))
        assert listing(server.url) == Retry("http_302")
    assert other.connections == 0


def test_a_list_without_end_is_given_up(server: Server) -> None:
    numbers = count(1)

    def another(exchange: Exchange) -> None:
        number = next(numbers)
        page(number, next_page=f"{server.url}{PATH}?page={number + 1}")(exchange)

    server.otherwise = another
    assert listing(server.url) == Retry("the list of invitations does not end")
    assert len(server.received) == 100


def test_who_looks_for_nothing_asks_for_one_page(server: Server) -> None:
    server.will(page(8, 7, next_page=f"{server.url}{PATH}?page=2"))
    assert nps(server.url).list_after(1, LAST_ID) == []
    assert len(server.received) == 1


def test_all_pages_share_the_time_of_one_call(server: Server) -> None:
    server.otherwise = page(1, next_page=f"{server.url}{PATH}?page=2")
    assert listing(server.url, clock=EachRequestTakes(7)) == Retry(
        "no answer: time-out", outage=True
    )
    assert len(server.received) == 3


@pytest.mark.parametrize("look_up", LOOK_UPS.values(), ids=LOOK_UPS)
@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (reply(200, b""), UNREADABLE),
        (reply(200, b"<html></html>", {"Content-Type": "text/html"}), UNREADABLE),
        (reply(200, []), UNREADABLE),
        (reply(200, {}), UNREADABLE),
        (reply(200, {"invitations": None, "invitation": None}), UNREADABLE),
        (reply(200, b"[" * 100_000), UNREADABLE),
        (reply(200, b" " * MOST_BYTES + b"{}"), UNREADABLE),
        (truncated(200, b'{"invitations":[],"invitation"'), UNREADABLE),
        (reply(401), Retry("credentials", whole_account=True, breaks=True)),
        (reply(403), Retry("credentials", whole_account=True, breaks=True)),
        (reply(404), Retry("http_404")),
        (reply(422), Retry("http_422")),
        (reply(429, headers={"Retry-After": "9"}), Retry("http_429", 9, whole_account=True)),
        (reply(400), Retry("http_400", outage=True)),
        (reply(500), Retry("http_500", outage=True)),
        (
            reply(503, headers={"Retry-After": "9"}),
            Retry("http_503", 9, whole_account=True, outage=True),
        ),
        (close, Retry("no answer: ConnectionError", outage=True)),
        (reset, Retry("no answer: ConnectionError", outage=True)),
        (raw(b"no HTTP\r\n\r\n"), Retry("no answer: ConnectionError", outage=True)),
    ],
)
def test_a_look_up_that_fails_says_when_to_try_again(
    server: Server, look_up: Callable[[NpsProvider], object], answer: Answer, retry: Retry
) -> None:
    server.otherwise = answer
    assert refusal(look_up, nps(server.url)) == retry


@pytest.mark.parametrize(
    "fault",
    [
        {"id": None},
        {"id": "seven"},
        {"id": 0},
        {"id": -1},
        {"id": 10**40},
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": "2020-13-07T10:22:00Z"},
        {"recipients_count": "many"},
        {"status": 5},
    ],
)
def test_an_invitation_that_cannot_be_read_is_not_guessed_at(
    server: Server, fault: dict[str, object]
) -> None:
    broken = {**shown(7), **fault}
    server.will(reply(200, {"invitations": [shown(6), broken]}), reply(200, {"invitation": broken}))
    provider = nps(server.url)
    for look_up in LOOK_UPS.values():
        assert refusal(look_up, provider) == UNREADABLE


def test_a_look_up_ends_in_time(server: Server) -> None:
    server.will(silence)
    retry = listing(server.url, clock=OverOnce(server.reached))
    assert retry == Retry("no answer: time-out", outage=True)


def test_a_list_whose_body_does_not_come_to_an_end_is_unreadable(
    server: Server, reading: Event
) -> None:
    server.will(stalled_body(200))
    assert listing(server.url, clock=OverOnce(reading)) == UNREADABLE


def test_a_look_up_that_reaches_nobody_counts_as_an_outage() -> None:
    with refusing_port() as port:
        retry = listing(f"http://127.0.0.1:{port}")
    assert retry == Retry("no answer: ConnectionError", outage=True)


def test_a_look_up_reads_a_rotated_secret_past_the_cache(server: Server) -> None:
    server.will(reply(401), page(7))
    assert nps(server.url).list_after(1, 0) == [seen(7)]
    assert [each.headers["authorization"] for each in server.received] == [
        "Bearer cached",
        "Bearer rotated",
    ]
