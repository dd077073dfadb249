"""The threat model names what there is: each way in of the template, and tests and promises that exist."""

from __future__ import annotations

import re

from . import access_promises, encryption_promises, queue_promises, stack_promises
from .reading import ROOT, Template, read_document

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
WAYS_IN = PAGE.partition("## Ways in")[2].partition("## What stops what")[0]
TEMPLATE = Template(read_document())
KINDS = (
    "AWS::ApiGatewayV2::Api",
    "AWS::Events::EventBus",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)
# A table says who is stopped, by what, and what holds it there.
NAMES = re.findall(r"`((?:[a-z]+_){3,}[a-z]+)`", PAGE)


def test_every_way_in_is_in_the_model() -> None:
    there = set(TEMPLATE.resources(*KINDS))
    named = {
        name
        for name in re.findall(r"`([A-Z]\w+)`", WAYS_IN)
        if name in TEMPLATE.document["Resources"]
    }
    assert there
    assert named == there


def test_what_the_model_rests_on_is_there() -> None:
    modules = (access_promises, encryption_promises, queue_promises, stack_promises)
    promises = {name for module in modules for name in vars(module)}
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    tests = {
        name for text in sources for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)
    }
    assert len(NAMES) > 40
    assert [name for name in NAMES if name not in promises | tests] == []


def test_every_row_says_what_holds_it() -> None:
    tables = PAGE.partition("## What stops what")[2].partition("### Whoever runs code")[0]
    rows = [
        line
        for line in tables.splitlines()
        if line.startswith("| ") and not line.startswith(("| somebody", "| promise"))
    ]
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"\| `\w+`[^|]*\|$", row)] == []
