"""Alarms and the runbook's sections are one and the same list, and its commands exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from cli.app import app

from .alarm_promises import slug
from .reading import ROOT, Template, read_document

TEMPLATE = Template(read_document())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
ALARMS = {slug(each) for each in (TEMPLATE.alarms | TEMPLATE.composite_alarms).values()}
PARTS = ("**Means.**", "**Hurts.**", "**Confirm.**", "**Fix.**", "**Over**")
# In blocks, and in the text.
COMMANDS = [
    command.removeprefix("afterword ")
    for command in re.findall(r"(?:^    |`)(afterword [^`\n]+)", RUNBOOK, re.MULTILINE)
]
# Not a command: the name of a dashboard.
COMMANDS = [each for each in COMMANDS if not each.startswith("-")]


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert set(SECTIONS) == ALARMS
    assert len(re.findall(r"^## ", RUNBOOK, re.MULTILINE)) == len(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_all_that_on_call_needs(name: str) -> None:
    places = [SECTIONS[name].find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    confirm = SECTIONS[name].partition("**Confirm.**")[2].partition("**Fix.**")[0]
    assert re.search(r"^    (afterword|aws) ", confirm, re.MULTILINE), "no command to look with"


@pytest.mark.parametrize("name", SECTIONS)
def test_links_lead_to_sections(name: str) -> None:
    assert set(re.findall(r"\(#([\w-]+)\)", SECTIONS[name])) <= set(SECTIONS)


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_exists_with_its_options(command: str) -> None:
    found: Any = typer.main.get_command(app)
    words = shlex.split(command.replace("<", "'<").replace(">", ">'"))
    while hasattr(found, "commands"):
        assert words, "a group is no command"
        assert words[0] in found.commands
        found = found.commands[words.pop(0)]
    known = {option for each in found.params for option in each.opts}
    given = {each for each in words if each.startswith("--")}
    assert given <= known | {"--help"}


def test_the_commands_were_found() -> None:
    assert len(COMMANDS) > 30
