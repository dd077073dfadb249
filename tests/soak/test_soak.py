"""A small soak: every event ends in one place, nobody is asked twice; and a fault of ours is found."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = "tests.support.planted_faults"


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
    code, told = soak(tmp_path / "log", events=5000, seed=1)
    assert code == 0
    assert (told["sent twice"], told["lost"], told["events in"]) == (0, 0, 5000)
    assert told["sent, as the ledger says"] == told["sent"] > 3000
    # Else nothing was shown.
    assert told["DynamoDB TransactWriteItems: lost"] > 0
    assert any(name.startswith("nps invite: ") for name in told)
    assert any(name.startswith("netquest: ") for name in told)
    assert {name for name in told if name.startswith("ERROR")} == set()


@pytest.mark.parametrize(
    ("plant", "error"),
    [
        ("lose_some", "ERROR lost invitations"),
        ("ask_twice", "ERROR sent twice"),
        ("forget_refunds", "ERROR lost stops"),
    ],
)
def test_a_fault_of_ours_is_found(tmp_path: Path, plant: str, error: str) -> None:
    code, told = soak(tmp_path / "log", events=400, faults=0, days=0, plant=f"{FAULTS}:{plant}")
    assert code == 1
    assert told[error] > 0
