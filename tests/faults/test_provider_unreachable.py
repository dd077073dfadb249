"""A provider that certainly got nothing: due again, and after three times the breaker, with one probe at a time."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.certificates import write_self_signed
from tests.support.faults import hanging_up, refusing, speaking
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.running import Running
    from tests.support.servers import Exchange


@contextmanager
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A name that nobody knows."""
    resolve = socket.getaddrinfo

    def refuse(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "nps.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        yield "https://nps.invalid"


@contextmanager
def self_signed(path: Path) -> Iterator[str]:
    with serving(certificate=write_self_signed(path / "own.pem")) as server:
        yield server.url


FAULTS: dict[str, Callable[[pytest.MonkeyPatch, Path], AbstractContextManager[str]]] = {
    "refused": lambda *_: refusing(),
    "no such name": lambda patch, _: nowhere(patch),
    "no TLS": lambda *_: speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "TLS hangs up": lambda *_: hanging_up(),
    "nobody vouches for the certificate": lambda _, path: self_signed(path),
}


@pytest.mark.parametrize(
    ("name", "keys"), [*((name, True) for name in FAULTS), ("refused", False), ("no TLS", False)]
)
def test_what_never_arrived_is_due_again_and_goes_out_when_the_provider_is_back(
    running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, *, keys: bool
) -> None:
    if not keys:
        running.without_keys()
    with FAULTS[name](monkeypatch, tmp_path) as url:
        running.account(base_url=url, replays_idempotency_key=keys)
        assert running.deliver(running.purchase()) == []
        assert running.states == {"pending": 1}
        assert running.told["InvitationsReleased"] == 1
        assert re.search(r"account shop: .*(ConnectionError|SSLError)", running.heard)
    assert not running.provider.asked
    running.account(replays_idempotency_key=keys)
    running.new_instances()
    assert running.sweep_after(60)["sent"] == 1
    assert running.states == {"sent": 1}


def test_after_three_times_the_breaker_is_open_for_all_instances(running: Running) -> None:
    with refusing() as url:
        running.account(base_url=url)
        for number in range(5):
            # Not one of them comes back to the queue because of the provider.
            assert running.deliver(running.purchase(f"A-{number}")) == []
            running.new_instances()
        account = running.way.account_state
        assert account.failures == 3
        assert account.not_before > running.clock()
        assert running.states == {"pending": 5}
    assert running.told["InvitationsBlocked"] == 2


def test_one_probe_at_a_time_finds_the_end(running: Running) -> None:
    """Two surveys wait for the account: else the survey's own slot would be enough to hold the second one back."""
    running.provider.service.store.put_survey("shop", 2, "?", running.provider.service.now)
    running.campaign("second", survey=2, shop="other")
    with refusing() as url:
        running.account(base_url=url)
        for number in range(3):
            running.deliver(running.purchase(f"A-{number}"))
        running.deliver(running.purchase("B-1", shop="other"))
        for _ in range(5):
            failures = running.way.account_state.failures
            running.new_instances()
            running.sweep_after(60)
            assert running.way.account_state.failures <= failures + 1
    running.account()
    running.new_instances()
    asked_meanwhile = []

    def probe(exchange: Exchange) -> None:
        # While the probe is out, nobody else may go.
        with running.another("second"):
            running.sweep(seconds=60)
        asked_meanwhile.append(len(running.provider.asked))
        running.provider.serve(exchange)

    running.provider.will(probe)
    running.clock.pass_by(900)
    running.sweep()
    assert asked_meanwhile == [1]
    running.settle()
    assert running.states == {"sent": 4}
    assert running.way.account_state.failures == 0


def test_another_providers_invitations_are_not_delayed(running: Running) -> None:
    with refusing() as url:
        running.account("broken", base_url=url)
        running.campaign("broken", account="broken", shop="other")
        other = running.purchase("B-1", shop="other")
        running.deliver(other, running.purchase("A-1"))
        assert (running.state("A-1"), running.state("B-1")) == ("sent", "pending")
        running.sweep_after(300, 300)
        assert (running.state("A-1"), running.state("B-1")) == ("sent", "pending")


def test_an_outage_is_told_of_by_what_is_overdue(running: Running) -> None:
    with refusing() as url:
        running.account(base_url=url)
        running.deliver(running.purchase())
        running.sweep_after(800)
        assert running.told["OverdueInvitations"] == 0
        running.sweep_after(200)
    assert running.told["OverdueInvitations"] == 1


def test_what_expires_in_an_outage_ends_and_the_rest_goes_out(running: Running) -> None:
    running.campaign(expires_after="PT36H")
    with refusing() as url:
        running.account(base_url=url)
        running.deliver(*(running.purchase(f"A-{number}") for number in range(3)))
        for day in range(7):
            running.deliver(running.purchase(f"B-{day}"))
            running.sweep_after(86_400)
        assert running.told["RecordsFailed"] == 0
    running.account()
    running.new_instances()
    running.deliver(running.purchase("C-1"))
    running.settle()
    assert running.states == {"ended.expired": 9, "sent": 2}
