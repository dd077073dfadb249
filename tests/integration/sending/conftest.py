from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from afterword.sending import calls, concurrent_http, http, sessions
from tests.support.certificates import write_self_signed
from tests.support.servers import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from ssl import SSLContext

    import aiohttp
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
    begun, read, read_there = Event(), http._read, sessions._read

    def begin(response: requests.Response) -> bytes:
        begun.set()
        return read(response)

    async def begin_there(response: aiohttp.ClientResponse) -> bytes:
        begun.set()
        return await read_there(response)

    monkeypatch.setattr(http, "_read", begin)
    monkeypatch.setattr(sessions, "_read", begin_there)
    return begun


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, which is the only one that is trusted."""
    monkeypatch.setattr("certifi.where", lambda: str(certificate))
    return certificate


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[SSLContext]:
    """Every trust that was made."""
    found: list[SSLContext] = []

    def note() -> SSLContext:
        found.append(calls.trust())
        return found[-1]

    for module in (concurrent_http, http):
        monkeypatch.setattr(module, "trust", note)
    return found
