"""The fire drill: each fault sets off its alarms and no others, and the runbook's commands end it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local.drill.drill import drill, world
from local.drill.faults import FAULTS
from local.drill.table import failures, table
from tests.unit.template.alarm_promises import slug
from tests.unit.template.reading import ROOT, Template, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud
    from local.drill.fault import Fault
    from local.drill.world import World

TEMPLATE = Template(read_document())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


@pytest.fixture(scope="module")
def made(local_cloud: Cloud) -> Iterator[World]:
    local_cloud.reset()
    with world(local_cloud) as found:
        yield found
    local_cloud.reset()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_sets_off_its_alarms_and_no_others_and_the_runbook_ends_it(
    made: World, fault: Fault
) -> None:
    row = drill(made, fault)
    assert failures([row], set()) == []
    assert table([row]).row_count == 1
    for command in row.typed:
        assert _words(command) in _sections(fault), command


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
