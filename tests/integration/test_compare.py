"""`make bench` in little: an instance runs what it is handed, and a round of each kind invites everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.compare import bench
from benchmarks.compare.instance import Instance
from benchmarks.compare.subjects import Subject
from local.cloud import ROOT
from local.errors import LocalError
from local.functions import LAYERS, logical_id
from local.rie import Function

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDLERS = """
import os, sys, time
def echo(event, context):
    print("said")
    return {"event": event, "name": context.function_name, "left": context.get_remaining_time_in_millis()}
def work(event, context):
    began = time.process_time()
    while time.process_time() - began < 0.05: pass
def fail(event, context):
    raise ValueError("planted")
def come_again(event, context):
    return {"batchItemFailures": [{"itemIdentifier": "7"}]}
def die(event, context):
    os._exit(1)
def packages(event, context):
    return {"packages": [each for each in sys.path if "packages" in each]}
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "app.py").write_text(HANDLERS)
    return tmp_path / "log"


@pytest.fixture
def instances() -> Iterator[list[Instance]]:
    started: list[Instance] = []
    yield started
    for each in started:
        each.close()


def start(
    instances: list[Instance], log: Path, handler: str, profile: Path | None = None
) -> Instance:
    folders = [log.parent]
    instance = Instance(Function(f"planted.app.{handler}", folders, {}, 30), log, profile)
    instances.append(instance)
    return instance


def test_an_instance_answers_with_what_its_handler_says(
    instances: list[Instance], log: Path
) -> None:
    payload = start(instances, log, "echo").invoke({"a": 1}).payload
    assert payload["event"] == {"a": 1}
    assert payload["name"] == "app"
    assert 0 < payload["left"] <= 30_000
    assert log.read_text() == "said\n"


def test_an_instance_tells_its_own_cpu_time_and_memory(
    instances: list[Instance], log: Path
) -> None:
    taken = start(instances, log, "work").invoke({})
    assert taken.cpu >= 0.05
    assert taken.seconds >= 0.05
    # Python alone, not what the process had that started it.
    assert 5_000_000 < taken.peak < 60_000_000


def test_an_instance_finds_lambdas_packages_and_none_of_ours(
    instances: list[Instance], log: Path
) -> None:
    (packages,) = start(instances, log, "packages").invoke({}).payload["packages"]
    assert packages == str(ROOT / ".venv-lambda" / "lib" / "python3.13" / "site-packages")


@pytest.mark.parametrize(
    ("handler", "why"),
    [("fail", "planted"), ("come_again", "itemIdentifier"), ("die", "ended"), ("nobody", "ended")],
)
def test_whatever_goes_wrong_ends_the_benchmark(
    instances: list[Instance], log: Path, handler: str, why: str
) -> None:
    with pytest.raises(LocalError, match=why):
        start(instances, log, handler).invoke({})


def test_a_profile_is_of_all_invocations_but_the_first(
    instances: list[Instance], log: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    instance = start(instances, log, "echo", profile)
    instance.invoke({})
    instance.invoke({})
    instance.close()
    assert profile.stat().st_size


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What `sam build` would make, out of the checkout."""
    dependencies, afterword = (tmp_path / each for each in LAYERS)
    for folder in (dependencies, afterword):
        folder.mkdir()
    packages = ROOT / ".venv" / "lib" / "python3.13" / "site-packages"
    (dependencies / "python").symlink_to(packages)
    (afterword / "python").symlink_to(ROOT / "layers" / "afterword" / "src")
    for name in ("translate_events", "send_due_invitations"):
        (tmp_path / logical_id(name)).symlink_to(ROOT)
    return tmp_path


def test_a_round_of_each_kind_invites_everybody(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LOG", made / "log")
    small = [
        Subject("usual", "usual", 10, 10),
        Subject("usual later", "usual follow-up", 10, 10),
        Subject("ours", "ours", 10, 20),
        Subject("ours later", "our follow-up", 10, 20, campaign={"delay": "P30D"}),
        Subject("panel", "ours", 10, 10, account="panel", campaign={"template": 1}),
    ]
    with bench.runners(small, 1, made=lambda: made) as started:
        found = {name: runner.round() for name, runner in started.items()}
    assert found["usual"].database == {"PutItem": 10, "UpdateItem": 10}
    assert found["usual later"].others["Scheduler CreateSchedule"] == 10
    assert {name: each.provider for name, each in found.items()} == {
        "usual": 10,
        "usual later": 10,
        "ours": 2,
        "ours later": 1,
        "panel": 10,
    }


def test_who_was_not_invited_ends_the_benchmark(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LOG", made / "log")
    with bench.runners([Subject("usual", "usual", 10, 10)], 1, made=lambda: made) as started:
        runner = started["usual"]
        invoke = runner.instances["app"].invoke
        monkeypatch.setattr(
            runner.instances["app"],
            "invoke",
            lambda event: invoke({"Records": event["Records"][1:]}),
        )
        with pytest.raises(LocalError, match="9 of 10 were invited"):
            runner.round()
