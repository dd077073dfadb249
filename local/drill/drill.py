"""Runs the drill: fault by fault, and says what rang."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.drill.stack import make_stack
from local.drill.template import read_document
from local.drill.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.cloud import Cloud
    from local.drill.fault import Fault
# So many minutes are run, of a silence that is longer than an hour.
_RUN, _LONG = 2, 60


@dataclass(frozen=True, slots=True)
class Row:
    """What a fault led to.

    Attributes:
        fault: The fault.
        rang: The alarms that went off, and after how many minutes.
        left: Those that were not over in the end.
        ended: Minutes from its end until all were over.
        typed: The operator's commands.
    """

    fault: Fault
    rang: dict[str, int]
    left: frozenset[str]
    ended: int
    typed: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Tell whether all went as it should: those alarms and no others, and all over in the end."""
        return set(self.rang) == self.fault.alarms and not self.left


@contextmanager
def world(cloud: Cloud) -> Iterator[World]:
    """Make a world on an empty local cloud."""
    document = read_document()
    outputs = make_stack(cloud.client, document)
    with tempfile.TemporaryDirectory() as folder:
        made = World(cloud, outputs, document, Path(folder), int(time.time()))
        before = os.environ.get("AWS_ENDPOINT_URL")
        os.environ["AWS_ENDPOINT_URL"] = cloud.endpoint_url  # For the operator's commands.
        try:
            yield made
        finally:
            made.close()
            del os.environ["AWS_ENDPOINT_URL"]
            if before:
                os.environ["AWS_ENDPOINT_URL"] = before


def drill(made: World, fault: Fault) -> Row:
    """Let a fault come, last, and be mended by its commands; return what rang."""
    made.watch.forget()
    made.operator.typed = []
    made.buy()
    made.minute()
    made.minute()
    made.repeats = fault.apart
    rang: dict[str, int] = {}
    fault.comes(made)
    for minute in _minutes(made, fault, fault.lasts):
        _note(made, rang, minute)
    fault.mended(made)
    fault.fixed(made)
    return _end(made, fault, rang)


def _minutes(made: World, fault: Fault, most: int) -> Iterator[int]:
    """Let minutes pass by, and yield each; of many that are alike, the first and the last ones alone."""
    passed = 0
    if fault.silent and most > _LONG:
        passed = most - _RUN
        made.quiet(passed)
    while passed < most:
        fault.each(made)
        made.minute()
        passed += 1
        yield passed


def _end(made: World, fault: Fault, rang: dict[str, int]) -> Row:
    ended = 0
    for ended in _minutes(made, fault, fault.over):
        _note(made, rang, fault.lasts + ended)
        if not made.watch.ringing():
            break
    made.repeats = False
    return Row(fault, rang, frozenset(made.watch.ringing()), ended, tuple(made.operator.typed))


def _note(made: World, rang: dict[str, int], minute: int) -> None:
    for name in made.watch.ringing():
        rang.setdefault(name, minute)
