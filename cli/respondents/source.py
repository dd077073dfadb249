"""Where respondents come from: whose customers they are, and how old what is told of them is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import floor

from pydantic import TypeAdapter, ValidationError

from afterword.reading.fields import Instant, Shop
from cli.errors import CommandError

_SHOP = TypeAdapter[str](Shop)
_INSTANT = TypeAdapter[datetime](Instant)


@dataclass(frozen=True, slots=True)
class Source:
    """A file: the shop, the key of the customer keys, and when the file was written (Unix seconds)."""

    shop: str
    secret: bytes
    as_of: int


def shop_name(text: str) -> str:
    """Return a shop's name.

    Raises:
        CommandError: No shop can have it.
    """
    try:
        return _SHOP.validate_python(text)
    except ValidationError:
        raise CommandError(
            "--shop: it should have letters, digits, '.', '-' and '_', at most 64.",
            "Name it as its events do.",
        ) from None


def written_at(as_of: str | None, modified: float, now: float) -> int:
    """Return when a file was written.

    Args:
        as_of: What the operator says, by ISO 8601 with a zone, if anything.
        modified: What the file system says, Unix seconds.
        now: The wall time, Unix seconds.

    Returns:
        Unix seconds.

    Raises:
        CommandError: It can't be read, or lies ahead: such a file would outdo the events that are yet to come.
    """
    then = "Say by --as-of when it was written, as in 2026-01-31T12:00:00Z."
    try:
        told = _INSTANT.validate_python(as_of) if as_of is not None else None
    except ValidationError:
        raise CommandError(f"--as-of: {as_of!r} is no time with a zone.", then) from None
    written = floor(modified if told is None else told.timestamp())
    if written > now:
        raise CommandError("The file is from the future.", then)
    return written
