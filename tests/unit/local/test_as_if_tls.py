from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What arrives at the local cloud, which is not installed beside the tests."""
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], _receive: object, _send: object) -> None:
        scopes.append(scope)

    stand_in = ModuleType("ministack.app")
    stand_in.app = application  # type: ignore[attr-defined]  # A module has what it is given.
    monkeypatch.setitem(sys.modules, "ministack.app", stand_in)
    monkeypatch.delitem(sys.modules, "local.as_if_tls", raising=False)
    return scopes


def ask(scope: dict[str, Any]) -> None:
    application = importlib.import_module("local.as_if_tls").app
    coroutine = application(scope, None, None)
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_a_request_says_that_it_came_over_tls(asked: list[dict[str, Any]]) -> None:
    ask({"type": "http", "headers": [(b"host", b"127.0.0.1")]})
    headers = [(b"host", b"127.0.0.1"), (b"x-forwarded-proto", b"https")]
    assert asked == [{"type": "http", "headers": headers}]


def test_what_is_no_request_stays_as_it_is(asked: list[dict[str, Any]]) -> None:
    ask({"type": "lifespan"})
    assert asked == [{"type": "lifespan"}]
