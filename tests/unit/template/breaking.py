"""A template with something broken in it, and what a promise finds there."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from .reading import Template, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    type Promise = Callable[[Template], Iterator[tuple[str, bool]]]

DOCUMENT = read_document()
GONE = object()


def broken(promise: Promise, template: Template) -> list[str]:
    return [subject for subject, kept in promise(template) if not kept]


def mutated(path: str, value: object) -> Template:
    """The template with one value, at a path of names and list positions, changed or gone."""
    *parents, last = (int(step) if step.isdigit() else step for step in path.split())
    document = copy.deepcopy(DOCUMENT)
    node: Any = document
    for step in parents:
        node = node[step]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return Template(document)
