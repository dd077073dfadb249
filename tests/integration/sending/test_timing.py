"""Each request to a provider is counted and timed, also one that nobody answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from afterword.noting import Notes
from afterword.sending.calls import LostError, NeverSentError
from afterword.sending.http import Http
from afterword.sending.watching import timed
from tests.support.servers import refusing_port, reply, reset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.servers import Server


def watched(notes: Notes) -> Http:
    def authenticate(fresh: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the port's one argument
        return {"Authorization": "fresh" if fresh else "cached"}

    return Http(60, authenticate, watch=partial(timed, notes, "shop"))


def seen(notes: Notes) -> list[str]:
    found = notes.take_measured()
    assert {each.about["account"] for each in found} == {"shop"}
    return [each.metric for each in found]


def test_a_request_that_is_answered(server: Server) -> None:
    notes = Notes()
    server.will(reply(201, {}))
    assert watched(notes).call("POST", server.url, body=b"{}").status == 201
    assert seen(notes) == ["ProviderCalls", "ProviderLatency"]


def test_a_request_that_is_repeated_with_a_fresh_secret_is_two(server: Server) -> None:
    notes = Notes()
    server.will(reply(401, {}), reply(201, {}))
    assert watched(notes).call("POST", server.url, body=b"{}").status == 201
    assert seen(notes) == ["ProviderCalls", "ProviderLatency"] * 2


def test_a_request_that_is_lost(server: Server) -> None:
    notes = Notes()
    server.will(reset)
    with pytest.raises(LostError):
        watched(notes).call("POST", server.url, body=b"{}")
    assert seen(notes) == ["ProviderCalls", "ProviderLatency"]


def test_a_request_that_never_leaves() -> None:
    notes = Notes()
    with refusing_port() as port, pytest.raises(NeverSentError):
        watched(notes).call("POST", f"http://127.0.0.1:{port}", body=b"{}")
    assert seen(notes) == ["ProviderCalls", "ProviderLatency"]
