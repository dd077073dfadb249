"""A call has a connection of its own, and all of them trust the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from afterword.sending.calls import NeverSentError
from afterword.sending.http import Http
from tests.support.nps import signed_in
from tests.support.servers import kept, reply, serving

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext

    from tests.support.servers import Server


def post(http: Http, url: str) -> int:
    return http.call("POST", url, body=b"a=1").status


def test_no_call_uses_the_connection_of_another(server: Server) -> None:
    """Not even where the server promises to keep it: it may be gone while the function is frozen."""
    server.otherwise = kept({}, {"Connection": "Keep-Alive"})
    http = Http(20, signed_in)
    assert [post(http, server.url) for _ in range(3)] == [200] * 3
    assert (server.connections, len(server.received)) == (3, 3)


def test_the_list_of_authorities_is_read_once_for_all_calls(
    trusted: Path, made: list[SSLContext]
) -> None:
    with serving(trusted) as server:
        server.otherwise = reply(200, {})
        http = Http(20, signed_in)
        assert [post(http, server.url) for _ in range(3)] == [200] * 3
    assert (len(made), server.connections) == (1, 3)


def test_without_tls_it_is_not_read(server: Server, made: list[SSLContext]) -> None:
    server.otherwise = reply(200, {})
    post(Http(20, signed_in), server.url)
    assert made == []


def test_a_certificate_for_another_name_is_refused(trusted: Path) -> None:
    with serving(trusted) as server, pytest.raises(NeverSentError, match="SSLError"):
        post(Http(20, signed_in), server.url.replace("127.0.0.1", "localhost"))
    assert server.received == []


def test_so_is_one_that_nobody_vouches_for(certificate: Path) -> None:
    with serving(certificate) as server, pytest.raises(NeverSentError, match="SSLError"):
        post(Http(20, signed_in), server.url)
    assert server.received == []
