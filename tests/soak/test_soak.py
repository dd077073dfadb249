"""A small soak: every event ends in one place, nobody is asked twice; and a fault of ours is found."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from local.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def soak(log: Path, **options: object) -> tuple[int, dict[str, int]]:
    """Run one; return its exit code, and the numbers that it prints by their names."""
    arguments = [f"--{name}={value}" for name, value in {"log": log, **options}.items()]
    done = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-m", "benchmarks.soak", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stderr == ""
    found = re.findall(r"^ *(\S.*?):? +([\d,]+)$", done.stdout, re.MULTILINE)
    return done.returncode, {name: int(number.replace(",", "")) for name, number in found}


def test_thousands_of_events_with_faults_balance(tmp_path: Path) -> None:
    code, told = soak(tmp_path / "log", events=2000, seed=1)
    assert code == 0
    assert (told["sent twice"], told["lost"], told["events in"]) == (0, 0, 2000)
    assert told["sent, as the ledger says"] == told["sent"] > 1200
    # Else nothing was shown.
    assert told["DynamoDB TransactWriteItems: lost"] > 0
    assert any(name.startswith("nps invite: ") for name in told)
    assert any(name.startswith("netquest: ") for name in told)
    assert {name for name in told if name.startswith("ERROR")} == set()


def test_a_loss_and_a_double_of_ours_are_found(tmp_path: Path) -> None:
    planted = "tests.support.planted_faults:all_at_once"
    code, told = soak(tmp_path / "log", events=400, faults=0, days=0, plant=planted)
    assert code == 1
    assert told["ERROR lost invitations"] > 0
    assert told["ERROR lost stops"] > 0
    assert told["ERROR sent twice"] > 0
    assert told["sent twice"] == told["ERROR sent twice"]
    # With those that wait at the end, as they do here, no follow-up is missed either.
    assert told["ERROR not finished"] == told["pending"]
