"""The fire drill: each fault sets off its alarms and no others, and the runbook's commands end it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local.drill.faults import FAULTS
from tests.unit.template.alarm_promises import slug
from tests.unit.template.reading import ROOT, Template, read_document

if TYPE_CHECKING:
    from local.drill.fault import Fault

TEMPLATE = Template(read_document())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each fault led to: of a process of its own, for it makes others, and pytest-socket has no pipes for them."""
    out = tmp_path_factory.mktemp("drill") / "rows.json"
    command = [sys.executable, "-m", "local", "drill", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours.
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_sets_off_its_alarms_and_no_others_and_the_runbook_ends_it(
    rows: dict[str, Any], fault: Fault
) -> None:
    row = rows[fault.name]
    assert set(row["rang"]) == fault.alarms
    for command in row["typed"]:
        assert _words(command) in _sections(fault) or _words(command) == "afterword pause"


def test_every_alarm_has_its_fault() -> None:
    assert {name for fault in FAULTS for name in fault.alarms} == set(TEMPLATE.loud_alarms)


def test_almost_every_alarm_is_seen_alone() -> None:
    """Without a campaign a sweep fails, so both are heard of."""
    alone = {name for fault in FAULTS for name in fault.alarms if len(fault.alarms) == 1}
    assert set(TEMPLATE.loud_alarms) - alone == {"NoCampaignsAlarm"}


def _words(command: str) -> str:
    """The command's name: what comes before its arguments."""
    found = re.match(r"afterword [a-z-]+(?: (?:list|show|redrive|resolve|put|rotate)\b)?", command)
    assert found
    return found[0]


def _sections(fault: Fault) -> str:
    names = {slug(TEMPLATE.loud_alarms[name]) for name in fault.alarms}
    return "".join(
        re.search(rf"^## {name}\n.*?(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)[0]  # type: ignore[index]
        for name in names
    )
