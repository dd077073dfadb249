"""The one error that `local` shows a person."""

from __future__ import annotations


class LocalError(Exception):
    """Something on this machine went wrong; the text says what, and what to do next.

    Args:
        what: What went wrong, one sentence.
        then: What to do next, one sentence.
    """

    def __init__(self, what: str, then: str) -> None:
        super().__init__(f"{what} {then}")
