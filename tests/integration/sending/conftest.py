from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from afterword.sending import http
from tests.support.certificates import write_self_signed
from tests.support.servers import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_self_signed(tmp_path_factory.mktemp("certificate") / "self-signed.pem")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Event:
    """It is set once a client knows the status and begins to read the body."""
    begun, read = Event(), http._read

    def begin(response: requests.Response) -> bytes:
        begun.set()
        return read(response)

    monkeypatch.setattr(http, "_read", begin)
    return begun
