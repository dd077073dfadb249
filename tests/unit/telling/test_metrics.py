"""docs/metrics.md and the code know the same metrics, with the same units and dimensions."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from afterword.deciding.rules import Reason
from afterword.telling.metrics import METRICS, OUTCOMES
from invitation_service.delivering.report import METRICS as MAILS
from tests.unit.template.reading import ROOT, Template, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\| (.+) \| ([\w, ]+) \|$", re.MULTILINE)
ROWS = {
    name: (unit, re.findall(r"`(\w+)`", by), means, used)
    for name, unit, by, means, used in ROW.findall(PAGE)
}
# The invitation service's, and where else it reports.
THEIRS = {*MAILS.values(), "DeliveryMessages", "MailsEnded", "InvitationsLookedAfter"}
SOURCES = [*(ROOT / "layers/afterword/src").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]


def named_in_calls(function: str, *paths: Path) -> set[str]:
    """Return the first argument, or `name`, of all calls of a method in these files."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == function
            ):
                given = [
                    *node.args[:1],
                    *(each.value for each in node.keywords if each.arg == "name"),
                ]
                names |= {each.value for each in given if isinstance(each, ast.Constant)}
    return {str(name) for name in names}


def test_the_page_and_the_code_know_the_same_metrics() -> None:
    assert ROWS.keys() == METRICS.keys() | THEIRS
    assert len(ROWS) == len(ROW.findall(PAGE)), "one of them stands there twice"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_the_unit_and_the_dimensions_of_its_row(name: str) -> None:
    unit, by, *_ = ROWS[name]
    assert (unit, tuple(by)) == (METRICS[name].unit.value, METRICS[name].by)


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_the_invitation_services_are_counts_without_dimensions(name: str) -> None:
    assert ROWS[name][:2] == ("Count", [])


def test_every_metric_is_reported_somewhere_and_none_that_is_unknown() -> None:
    ours = [each for each in SOURCES if "invitation_service" not in each.parts]
    gauges = ROOT / "layers/afterword/src/afterword/standing.py"
    listed = set(re.findall(r'^            "(\w+)": self\.', gauges.read_text(), re.MULTILINE))
    by_outcome = {metric for metric, _ in OUTCOMES.values()}
    assert named_in_calls("measure", *ours) | listed | by_outcome == METRICS.keys()
    assert named_in_calls("add_metric", *SOURCES) <= THEIRS


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "reason" in row[1]])
def test_the_reasons_of_a_metric_stand_in_its_row(name: str) -> None:
    if name == "InvitationsEnded":
        campaigns = (ROOT / "docs" / "campaigns.md").read_text()
        missing = {each.value for each in Reason if f"`{each.value}`" not in campaigns}
    else:
        told = re.findall(r"`(\w+)`", ROWS[name][2].split("`reason`:")[1])
        missing = set() if told else {name}
    assert missing == set()


@pytest.mark.parametrize("name", ROWS)
def test_who_uses_a_metric_is_one_of_three(name: str) -> None:
    assert set(ROWS[name][3].split(", ")) <= {"alarm", "dashboard", "status"}


def watched_in(node: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Walk through the metrics of ours anywhere below a node of the template, with their dimensions."""
    if isinstance(node, list):
        for each in node:
            yield from watched_in(each)
    if isinstance(node, dict):
        if node.get("Namespace") == "Afterword":
            yield node["MetricName"], tuple(each["Name"] for each in node["Dimensions"])
        for each in node.values():
            yield from watched_in(each)


def shown_on_dashboards() -> list[tuple[str, tuple[str, ...]]]:
    """Return the metrics of ours on all dashboards, with their dimensions."""
    text = str(Template(read_document()).resources("AWS::CloudWatch::Dashboard"))
    plain = re.findall(r'\["Afterword", "(\w+)", "service", "[^"]*"(?:, "(\w+)")?', text)
    searched = re.findall(r"\{Afterword,service(?:,(\w+))?\} MetricName=\W*(\w+)", text)
    found = [*plain, *((name, by) for by, name in searched)]
    return [(name, ("service", by) if by else ("service",)) for name, by in found]


def known(name: str) -> list[tuple[str, ...]]:
    """Return the sets of dimensions under which a metric is there."""
    return [("service",), *(("service", each) for each in ROWS[name][1])]


def test_an_alarm_watches_each_metric_that_says_so_and_no_other() -> None:
    watched = list(watched_in(Template(read_document()).alarms))
    assert {name for name, _ in watched} == {
        name for name, row in ROWS.items() if "alarm" in row[3]
    }
    assert [each for each in watched if each[1] not in known(each[0])] == []


def test_a_dashboard_shows_each_metric_that_says_so_and_no_other() -> None:
    shown = shown_on_dashboards()
    assert {name for name, _ in shown} == {
        name for name, row in ROWS.items() if "dashboard" in row[3]
    }
    assert [each for each in shown if each[1] not in known(each[0])] == []
