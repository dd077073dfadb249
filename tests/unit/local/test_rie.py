from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest
import requests

from local import rie
from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:1/2015-03-31/functions/function/invocations"


def answered(status: int, body: str) -> rie.Answer:
    response = requests.Response()
    response.status_code, response._content = status, body.encode()
    return rie._read(response)


@pytest.mark.parametrize("body", ['{"batchItemFailures": []}', "null", "[1]", '"text"'])
def test_an_answer_is_the_functions(body: str) -> None:
    assert not answered(200, body).failed


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"errorType": "KeyError", "errorMessage": "Records"}'),
        (502, '{"errorType": "Runtime.ExitError"}'),
        (500, "{}"),
        (200, "Task timed out after 1.00 seconds"),
    ],
)
def test_an_exception_a_crash_and_a_timeout_are_failures(status: int, body: str) -> None:
    assert answered(status, body).failed


def test_what_lambda_says_of_a_timeout_is_told() -> None:
    assert "timed out" in rie.pretty(answered(200, "Task timed out after 1.00 seconds"))


def test_a_dead_emulator_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> requests.Response:
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "post", refuse)
    emulator = rie.Emulator(URL, tmp_path / "log", seconds=1)
    with pytest.raises(LocalError, match=r"failed: ConnectionError\. Its log is .*log"):
        emulator.invoke(b"{}")


def test_the_init_time_is_the_logs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("[INFO] (rapid) INIT REPORT(durationMs: 251.320000)\n")
    assert rie.Emulator(URL, log, seconds=1).init_milliseconds() == 251.32


def test_a_log_without_an_init_time_is_no_zero(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with pytest.raises(LocalError, match="no init time"):
        rie.Emulator(URL, tmp_path / "log", seconds=1).init_milliseconds()


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64")])
def test_a_machine_without_an_emulator_is_told_what_else_there_is(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(LocalError, match="sam local invoke"):
        rie.emulator()
