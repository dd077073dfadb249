"""`make drill`: what it shows, and when it fails."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from local import cloud as clouds
from local.drill import command, operator
from local.drill.drill import Row
from local.drill.fault import Fault, alarms
from local.drill.provider import FAILS, NO_QUOTA, REFUSES, Provider
from local.drill.table import failures, table
from local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEAD = Fault("a dead letter", alarms("DeadLetters"))
AGE = Fault("nobody reads", alarms("QueueAge"))


def row(fault: Fault, left: frozenset[str] = frozenset(), **rang: int) -> Row:
    named = {f"{name}Alarm": minute for name, minute in rang.items()}
    return Row(fault, named, left, 3, ("afterword dead-letters list",))


def test_what_goes_as_it_should_is_no_failure() -> None:
    assert failures([row(DEAD, DeadLetters=1), row(AGE, QueueAge=11)], set()) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (row(DEAD), "a dead letter: DeadLetters did not go off"),
        (row(DEAD, DeadLetters=1, QueueAge=2), "a dead letter: QueueAge went off as well"),
        (row(DEAD, alarms("DeadLetters"), DeadLetters=1), "a dead letter: DeadLetters is not over"),
    ],
)
def test_what_does_not_is_said(found: Row, said: str) -> None:
    assert failures([found], set()) == [said]


def test_an_alarm_that_no_fault_sets_off_is_said() -> None:
    loud = {"DeadLettersAlarm", "QueueAgeAlarm"}
    assert failures([row(DEAD, DeadLetters=1)], loud) == ["no fault sets off QueueAge"]


def test_the_table_shows_when_what_went_off() -> None:
    made = table([row(DEAD, alarms("QueueAge"), QueueAge=2)])
    cells = [next(iter(column.cells)) for column in made.columns]
    assert cells[1:] == [
        "DeadLetters (silent!)",
        "QueueAge",
        "not over: QueueAge",
        "afterword dead-letters list",
    ]


def run(monkeypatch: pytest.MonkeyPatch, rows: dict[str, Row], *arguments: str) -> Any:
    @contextmanager
    def made(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(watch=SimpleNamespace(loud={"DeadLettersAlarm", "QueueAgeAlarm"}))

    monkeypatch.setattr(command, "FAULTS", (DEAD, AGE))
    monkeypatch.setattr(clouds, "running", made)
    monkeypatch.setattr(command, "world", made)
    monkeypatch.setattr(command, "drill", lambda _, fault: rows[fault.name])
    app = typer.Typer()
    app.command()(command.run)
    return CliRunner().invoke(app, arguments)


def test_a_drill_that_went_well_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {DEAD.name: row(DEAD, DeadLetters=1), AGE.name: row(AGE, QueueAge=11)}
    result = run(monkeypatch, rows)
    assert result.exit_code == 0
    assert "All 2 faults" in result.stdout


def test_a_drill_that_did_not_go_well_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {DEAD.name: row(DEAD), AGE.name: row(AGE, QueueAge=11)}
    result = run(monkeypatch, rows)
    assert result.exit_code == 1
    assert "DeadLetters did not go off" in result.stdout


def test_some_faults_alone_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, {AGE.name: row(AGE, QueueAge=11)}, "--only", "reads")
    assert result.exit_code == 0
    assert "1 of 1" in result.stdout
    assert run(monkeypatch, {}, "--only", "unknown").exit_code == 1


@pytest.mark.parametrize(
    ("behaves", "method", "path", "status"),
    [
        (REFUSES, "POST", "/api/v2/nps/surveys/1/invitations.json", 401),
        (FAILS, "GET", "/api/v2/nps/surveys/1/invitations.json", 500),
        ("well", "GET", "/api/v2/nps/surveys/1/invitations.json", 200),
        ("well", "GET", "/api/v2/nps/surveys/1/invitations/7.json", 200),
        ("well", "POST", "/api/v2/nps/surveys/1/invitations.json", 201),
        ("well", "GET", "/elsewhere", 404),
        (REFUSES, "POST", "/stand-in/settings", 200),
        (NO_QUOTA, "POST", "/webhooks/1/2/3/send-invitation", 200),
    ],
)
def test_the_provider_behaves_as_told(behaves: str, method: str, path: str, status: int) -> None:
    assert Provider(behaves, port=1).answer(method, path)[0] == status


def test_a_command_that_fails_ends_the_drill(tmp_path: Path) -> None:
    typing = operator.Operator(tmp_path)
    with pytest.raises(LocalError, match="held resolve"):
        typing.types("held resolve --as unknown", 1_790_000_000)
    assert typing.typed == ["afterword held resolve --as unknown"]
