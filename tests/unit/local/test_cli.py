from __future__ import annotations

import json
import os
import runpy
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from local import cli, functions, kept, sam, sam_local
from local import cloud as clouds
from local.cloud import Cloud
from local.deployment import Deployment
from local.errors import LocalError
from local.rie import Answer
from local.samples import EVENTS
from local.story import Row, Step
from local.witness import Seen
from tests.support.mails import keep_mail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

    from local.screen import Screen

CLOUD = Cloud("http://127.0.0.1:1", 4711, Path("home"), Path("log"))
KEPT = Row("purchase", Seen("sent"), Seen("sent"), kept=True, seconds=1)
BROKEN = Row("signup", Seen("none"), Seen("due"), kept=False, seconds=1)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The commands set signal handlers and the environment; the tests' own come back."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    environ = dict(os.environ)
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environ)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []
    monkeypatch.setattr(Cloud, "stop", lambda cloud: pids.append(cloud.pid))
    return pids


def command(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, arguments)


def run_with(monkeypatch: pytest.MonkeyPatch, *rows: Row) -> Result:
    @contextmanager
    def running(_: str, *, keep_mails: bool) -> Iterator[Cloud]:
        assert keep_mails
        yield CLOUD

    monkeypatch.setattr(clouds, "running", running)
    monkeypatch.setattr(cli, "deploy", lambda _, cloud: Deployment(cloud, {}))
    monkeypatch.setattr(cli, "tell", lambda *_: list(rows))
    return command("run")


def test_python_m_local_lists_the_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["local", "--help"])
    with pytest.raises(SystemExit) as ending:
        runpy.run_module("local", run_name="__main__")
    assert ending.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("run", "up", "down", "send", "mail", "invoke"))


@pytest.mark.parametrize("name", ["run", "up", "down", "send", "mail", "invoke"])
def test_every_command_explains_itself(name: str) -> None:
    result = command(name, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_run_ends_well_if_every_promise_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_with(monkeypatch, KEPT, KEPT)
    assert result.exit_code == 0
    assert "All 2 promises were kept." in result.output
    assert "make send EVENT=events/purchase.json" in result.output


def test_run_fails_if_one_promise_was_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_with(monkeypatch, KEPT, BROKEN)
    assert result.exit_code == 1
    assert "✘ 1 of 2 promises were not kept. What the functions logged is in" in result.output


@pytest.mark.parametrize("bridge", [None, "172.17.0.1"])
def test_up_keeps_the_cloud(
    monkeypatch: pytest.MonkeyPatch, stopped: list[int], bridge: str | None
) -> None:
    noted: list[Cloud] = []
    bridges: list[str | None] = []

    def start(_: str, *, bridge: str | None, keep_mails: bool) -> Cloud:
        assert keep_mails
        bridges.append(bridge)
        return CLOUD

    monkeypatch.setattr(kept, "find", lambda: None)
    monkeypatch.setattr(kept, "keep", noted.append)
    monkeypatch.setattr(clouds, "start", start)
    monkeypatch.setattr(sam_local, "prepare", lambda _, bridge: bridges.append(bridge))
    deployment = Deployment(CLOUD, {"InvitationServiceApiId": "a1b2"})
    monkeypatch.setattr(cli, "deploy", lambda *_: deployment)
    result = command("up", "--bridge", bridge or "")
    assert (result.exit_code, noted, stopped) == (0, [CLOUD], [])
    assert bridges == [bridge, bridge]
    assert "The local cloud is http://127.0.0.1:1" in result.output
    assert "http://127.0.0.1:1/_aws/execute-api/a1b2" in result.output


def test_up_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "find", lambda: CLOUD)
    result = command("up")
    assert result.exit_code == 0
    assert "is there already: http://127.0.0.1:1" in result.output


def test_up_leaves_nothing_behind_if_it_fails(
    monkeypatch: pytest.MonkeyPatch, stopped: list[int]
) -> None:
    def fail(_: Screen, cloud: Cloud) -> Deployment:
        raise LocalError(f"{cloud.endpoint_url} broke.", "Mend it.")

    monkeypatch.setattr(kept, "find", lambda: None)
    monkeypatch.setattr(clouds, "start", lambda _, **__: CLOUD)
    monkeypatch.setattr(cli, "deploy", fail)
    result = command("up")
    assert (result.exit_code, stopped) == (1, [4711])
    assert "✘ http://127.0.0.1:1 broke. Mend it." in result.output


@pytest.mark.parametrize(
    ("there", "said"),
    [(True, "The local cloud is stopped."), (False, "No local cloud is running.")],
)
def test_down_says_what_it_found(monkeypatch: pytest.MonkeyPatch, there: bool, said: str) -> None:  # noqa: FBT001 - a parameter.
    monkeypatch.setattr(kept, "stop", lambda: there)
    result = command("down")
    assert (result.exit_code, result.output.strip()) == (0, said)


def test_send_needs_a_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "find", lambda: None)
    result = command("send", str(EVENTS / "purchase.json"))
    assert result.exit_code == 1
    assert "✘ No local cloud is running. Start one with 'make up'." in result.output


def test_invoke_needs_a_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "find", lambda: None)
    result = command("invoke", "translate_events", str(EVENTS / "sqs" / "raw.json"))
    assert result.exit_code == 1
    assert "✘ No local cloud is running. Start one with 'make up'." in result.output


@pytest.mark.parametrize(("failed", "code"), [(False, 0), (True, 1)])
def test_invoke_prints_the_answer_alone_and_ends_as_the_function_did(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    failed: bool,  # noqa: FBT001 - a parameter.
    code: int,
) -> None:
    (tmp_path / "log").write_text("INIT REPORT\n")
    monkeypatch.setattr(kept, "find", lambda: CLOUD)
    monkeypatch.setattr(sam, "outputs", lambda _: {})
    monkeypatch.setattr(sam, "build", lambda: None)
    monkeypatch.setattr(functions, "LOG", tmp_path / "log")
    monkeypatch.setattr(functions, "invoke", lambda *_: Answer({"counts": {}}, failed))
    result = command("invoke", "send_due_invitations", str(EVENTS / "schedule.json"))
    assert (result.exit_code, json.loads(result.stdout)) == (code, {"counts": {}})
    assert "INIT REPORT" in result.stderr
    assert ("✘ send_due_invitations failed." in result.stderr) is failed


def test_send_shows_what_came_of_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("purchase.json", lambda: None, lambda: Seen("sent", "invitation 1"), None)
    monkeypatch.setattr(kept, "find", lambda: CLOUD)
    monkeypatch.setattr(sam, "outputs", lambda _: {})
    monkeypatch.setattr(cli, "Witness", lambda _: None)
    monkeypatch.setattr(cli, "sending", lambda *_: step)
    result = command("send", str(EVENTS / "purchase.json"))
    assert result.exit_code == 0
    assert "✔ purchase.json → sent → invitation 1" in result.output


def test_mail_says_that_nothing_has_arrived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clouds, "MAILS", tmp_path)
    result = command("mail")
    assert (result.exit_code, result.output.count("\n")) == (0, 1)
    assert result.output.startswith("No mail has arrived.")


@pytest.mark.parametrize("screen", [True, False])
def test_mail_lists_what_has_arrived_and_opens_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    screen: bool,  # noqa: FBT001 - a parameter.
) -> None:
    launched: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if screen:
        monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(clouds, "MAILS", tmp_path)
    monkeypatch.setattr("typer.launch", launched.append)
    keep_mail(tmp_path / "run", "How was it?")
    listed = command("mail")
    assert "How was it?" in listed.output
    assert "To read one: 'make mail OPEN=NUMBER'." in listed.output
    opened = command("mail", "--open", "1")
    page = tmp_path / "1.html"
    assert (opened.output.strip(), launched) == (page.as_uri(), [str(page)] * screen)
    missing = command("mail", "--open", "2")
    assert (missing.exit_code, launched) == (1, [str(page)] * screen)
    assert "✘ There is no mail 2. 'make mail' lists what has arrived." in missing.output


def test_a_cloud_that_does_not_answer_is_one_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    monkeypatch.setattr(kept, "stop", fail)
    result = command("down")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert result.output.startswith("✘ EndpointConnectionError: Could not connect")


def test_every_command_leaves_the_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setattr(kept, "stop", lambda: "AWS_PROFILE" in os.environ)
    assert "No local cloud is running." in command("down").output


def test_a_termination_ends_things_as_ctrl_c_does() -> None:
    cli.prepare()
    with pytest.raises(SystemExit) as ending:
        signal.raise_signal(signal.SIGTERM)
    assert ending.value.code == 128 + signal.SIGTERM
