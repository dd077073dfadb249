from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.balance import assert_nothing_lost
from tests.support.fakes import Clock
from tests.support.invitation_service import WEBHOOK
from tests.support.killing import Nursery, nursery
from tests.support.provider_door import provider_door
from tests.support.running import Running, fresh_stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud


@pytest.fixture
def running(
    local_cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Running]:
    """Whatever a test does to it, in the end nothing is lost, nobody was asked twice, and no log shows a person."""
    local_cloud.reset()
    clock = Clock()
    stage = fresh_stage(monkeypatch, local_cloud)
    with ExitStack() as stack:
        provider = stack.enter_context(provider_door(clock))
        made = Running(local_cloud, stage, clock, provider, monkeypatch, capsys, caplog, stack)
        yield made
        assert_nothing_lost(made)
        for secret in ("example.com", "token-1", WEBHOOK["webhook_key"]):
            assert secret not in made.printed
            assert secret not in made.heard


@pytest.fixture(scope="session")
def children() -> Iterator[Nursery]:
    """Where functions are born that are to be killed."""
    with nursery() as made:
        yield made
