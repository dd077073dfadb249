"""Writes what was measured into docs/performance.md, and for other programs into results.json."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.compare import goals
from benchmarks.compare.instance import RUNTIME
from benchmarks.compare.measuring import per_thousand, spread
from benchmarks.compare.table import (
    COSTS,
    SPEED,
    cost_rows,
    database_calls,
    rate,
    scheduler_calls,
    speed_rows,
)
from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compare.measuring import Round, Rounds
    from benchmarks.compare.table import Subjects

DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = DOCUMENT.with_suffix(".svg")
RESULTS = Path(__file__).with_name("results.json")
_NAMED = ("aiohttp", "boto3", "botocore", "aws-lambda-powertools", "pydantic", "requests")


@dataclass(frozen=True, slots=True)
class Run:
    """What is said of a run.

    Attributes:
        rounds: How many rounds there were.
        events: How many orders a bulk round had.
        load: How many processes waited for a core when it began: one or less is a quiet machine.
        versions: Of the packages that matter.
    """

    rounds: int
    events: int
    load: float
    versions: dict[str, str]

    def __str__(self) -> str:
        """Say it in a sentence."""
        machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
        known = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"`make bench ROUNDS={self.rounds} EVENTS={self.events}` on {machine} "
            f"(load average {self.load:.1f} at the start), Python {platform.python_version()}, {known}:"
        )


def versions(layer: Path) -> dict[str, str]:
    """Return the versions of the packages that matter, of Lambda's runtime and of our layer.

    Args:
        layer: The dependencies' folder.
    """
    found = distributions(path=[str(RUNTIME), str(layer)])
    known = {each.name.lower().replace("_", "-"): each.version for each in found}
    return {name: known[name] for name in _NAMED}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [f"| {' | '.join(each)} |" for each in [head, *rows]]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:], ""])


def put(text: str, place: str, content: str) -> str:
    """Return a page with other content at a place.

    Args:
        text: The page.
        place: What stands in the comment before it; it ends at the next `<!-- end -->`.
        content: Ends with a line's end.

    Raises:
        ValueError: There is no such place.
    """
    found = re.compile(rf"(?<=<!-- {re.escape(place)} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    if not found.search(text):
        raise ValueError(f"the page has no place for {place}")
    return found.sub(lambda _: content, text, count=1)


def write(measured: Rounds, subjects: Subjects, run: Run, document: Path = DOCUMENT) -> None:
    """Write all tables into the page.

    Args:
        measured: What was measured, of all configurations.
        subjects: The configurations, by name.
        run: What is said of it.
        document: The page.
    """
    reached = markdown(goals.HEAD, [each.row() for each in goals.goals(measured)])
    contents = {
        "make bench: goals": f"{run}\n\n{reached}",
        "make bench: speed": markdown(SPEED, speed_rows(measured, subjects)),
        "make bench: costs": markdown(COSTS, cost_rows(measured)),
    }
    text = document.read_text(encoding="utf-8")
    for place, content in contents.items():
        text = put(text, place, content)
    document.write_text(text, encoding="utf-8")


def results(measured: Rounds, subjects: Subjects) -> dict[str, Any]:
    """Return medians and counts for other programs, by configuration."""
    return {name: _result(subjects[name].batch, each) for name, each in measured.items()}


def _result(batch: int, rounds: Sequence[Round]) -> dict[str, Any]:
    counted = {
        "provider calls": lambda each: each.provider,
        "DynamoDB calls": database_calls,
        "write units": lambda each: each.write_units,
        "read units": lambda each: each.read_units,
        "scheduler calls": scheduler_calls,
    }
    return {
        "batch": batch,
        "events a second": round(spread(rounds, rate).median, 1),
        "CPU an event, ms": round(spread(rounds, lambda each: each.cpu_each).median, 4),
        "longest invocation, s": round(spread(rounds, lambda each: each.longest).median, 3),
        "most memory, bytes": max(each.peak for each in rounds),
        "for 1,000 events": {
            name: round(per_thousand(rounds, each), 2) for name, each in counted.items()
        },
    }


def write_results(measured: Rounds, subjects: Subjects, file: Path = RESULTS) -> None:
    """Write them into a file."""
    file.write_text(json.dumps(results(measured, subjects), indent=1) + "\n", encoding="utf-8")
