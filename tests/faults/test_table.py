"""The fault table holds: each row has its tests, its metrics are seen by them, its alarms are in the template."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.faults.table import ROWS
from tests.unit.template.reading import ROOT, Template, read_document

HERE = Path(__file__).parent
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()
ALARMS = Template(read_document()).loud_alarms


def rows_of(text: str, heading: str) -> list[str]:
    """First cells of the table under a heading."""
    _, _, rest = text.partition(f"\n## {heading}\n")
    section = rest.partition("\n## ")[0]
    cells = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return [cell for cell in cells if cell != "fault"]


def found_in(file: Path) -> dict[str, str]:
    """Every test of a file, with its source."""
    text = file.read_text()
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {
        f"{file.stem.removeprefix('test_')}::{node.name}": ast.get_source_segment(text, node) or ""
        for node in nodes
        if node.name.startswith("test_")
    }


TESTS = {name: source for file in HERE.glob("test_*.py") for name, source in found_in(file).items()}


def test_every_row_of_the_design_is_injected() -> None:
    rows = rows_of((ROOT / "docs" / "design.md").read_text(), "When something goes wrong")
    assert len(rows) > 15
    assert [row for row in rows if row not in ROWS] == []


def test_the_page_on_reliability_shows_the_table() -> None:
    assert rows_of(RELIABILITY, "Fault by fault") == list(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_tests_that_exist_and_see_who_is_told(name: str) -> None:
    row = ROWS[name]
    assert row.tests
    assert [test for test in row.tests if test not in TESTS] == []
    sources = "".join(TESTS[test] for test in row.tests)
    assert [metric for metric in row.told if f'"{metric}"' not in sources] == []


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_alarms_that_the_template_has(name: str) -> None:
    assert [alarm for alarm in ROWS[name].alarms if alarm not in ALARMS] == []


def test_no_test_is_left_out_of_the_table_without_a_reason() -> None:
    listed = {test for row in ROWS.values() for test in row.tests}
    files = {test.partition("::")[0] for test in listed}
    assert files == {test.partition("::")[0] for test in TESTS} - {"drill", "table"}


def test_the_page_names_every_alarm_that_its_table_counts_on() -> None:
    names = {alarm for row in ROWS.values() for alarm in row.alarms}
    said = {
        ALARMS[name]["AlarmName"]["Fn::Sub"].removeprefix("afterword-${Stage}-") for name in names
    }
    assert {name for name in said if f"`{name}`" not in RELIABILITY} == set()
