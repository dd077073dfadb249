"""`make bench` as a command: what it runs in which order, and when it changes the page."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import typer

from benchmarks.compare import __main__ as command
from benchmarks.compare.page import Run, versions
from benchmarks.compare.subjects import BULK_50, REFERENCE, SUBJECTS, USUAL_50, Subject
from local.cloud import ROOT
from tests.unit.benchmarks.test_compare import measured_round

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.measuring import Round


class Runner:
    def __init__(self, name: str, order: list[str]) -> None:
        self._name, self._order = name, order

    def round(self) -> Round:
        self._order.append(self._name)
        return measured_round()


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rounds as they are run."""
    ran: list[str] = []

    @contextmanager
    def runners(subjects: list[Subject], *_: Any) -> Iterator[dict[str, Runner]]:
        yield {each.name: Runner(each.name, ran) for each in subjects}

    monkeypatch.setattr(command, "runners", runners)
    monkeypatch.setattr(command, "move_in", lambda _: None)
    monkeypatch.setattr(command, "versions", lambda _: {})
    return ran


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    runs: list[Run] = []
    monkeypatch.setattr(command, "write", lambda _measured, _subjects, run: runs.append(run))
    monkeypatch.setattr(command, "write_results", lambda *_: None)
    monkeypatch.setattr(command, "draw", lambda *_: None)
    return runs


def test_all_are_measured_by_turns_back_and_forth(order: list[str], written: list[Run]) -> None:
    command.main(rounds=3, events=command.FULL, only="", profile="")
    names = [each.name for each in SUBJECTS]
    assert order == [*names, *reversed(names), *names]
    assert [(each.rounds, each.events) for each in written] == [(3, command.FULL)]


def test_with_what_is_chosen_goes_its_peer_and_the_page_stays(
    order: list[str], written: list[Run]
) -> None:
    command.main(rounds=1, events=command.FULL, only=BULK_50, profile="")
    assert order == [USUAL_50, BULK_50]
    assert written == []


def test_a_try_leaves_the_page_as_it_is(order: list[str], written: list[Run]) -> None:
    command.main(rounds=1, events=command.FULL - 1, only="", profile="")
    assert len(order) == len(SUBJECTS)
    assert written == []


def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(order: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=f"no bulk 7; there are: {REFERENCE};"):
        command.main(rounds=1, events=1, only=f"{REFERENCE}; bulk 7", profile="")
    assert order == []


def test_the_versions_are_those_that_the_functions_have(tmp_path: Path) -> None:
    for name in (
        "aiohttp-3.0.0",
        "aws_lambda_powertools-3.0.0",
        "pydantic-2.0.0",
        "requests-2.1.0",
    ):
        folder = tmp_path / f"{name}.dist-info"
        folder.mkdir()
        package, version = name.rsplit("-", 1)
        (folder / "METADATA").write_text(f"Name: {package}\nVersion: {version}\n")
    found = versions(tmp_path)
    runtime = ROOT / ".venv-lambda" / "lib" / "python3.13" / "site-packages"
    assert (runtime / f"boto3-{found['boto3']}.dist-info").is_dir()
    assert found["aws-lambda-powertools"] == "3.0.0"
