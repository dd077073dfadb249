from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from local import kept
from local.cloud import Cloud
from local.mail import MailServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept, "STATE", tmp_path / "cloud.json")


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    home = tmp_path / "home"
    home.mkdir()
    mail = MailServer(1, 4712, home / "mail")
    return Cloud("http://127.0.0.1:1", 4711, home, tmp_path / "log", mail=mail)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []
    monkeypatch.setattr(Cloud, "stop", lambda cloud: pids.append(cloud.pid))
    return pids


def let_it_answer(monkeypatch: pytest.MonkeyPatch, *, answers: bool) -> None:
    monkeypatch.setattr(Cloud, "answers", lambda _: answers)


def test_a_cloud_that_was_kept_is_found(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    let_it_answer(monkeypatch, answers=True)
    kept.keep(cloud)
    assert kept.find() == cloud


def test_a_cloud_without_a_mail_server_is_found_as_well(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_answer(monkeypatch, answers=True)
    kept.keep(replace(cloud, mail=None))
    assert kept.find() == replace(cloud, mail=None)


def test_nothing_is_found_where_nothing_was_kept() -> None:
    assert kept.find() is None


def test_a_cloud_that_is_gone_is_forgotten_and_no_process_is_ended(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, stopped: list[int]
) -> None:
    let_it_answer(monkeypatch, answers=False)
    kept.keep(cloud)
    assert kept.stop() is False
    assert (stopped, kept.STATE.exists(), cloud.home.exists()) == ([], False, False)


def test_a_cloud_that_was_kept_is_stopped_once(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, stopped: list[int]
) -> None:
    let_it_answer(monkeypatch, answers=True)
    kept.keep(cloud)
    assert (kept.stop(), kept.stop()) == (True, False)
    assert stopped == [4711]
