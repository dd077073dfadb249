"""Shop events in files, such as those in events/."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.cloud import ROOT
from local.errors import LocalError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

EVENTS = ROOT / "events"


def read_sample(file: Path, occurred_at: datetime | None) -> dict[str, Any]:
    """Read a shop event from a file.

    Args:
        file: A file with one JSON object.
        occurred_at: When it is to have happened; None leaves what the file says, which may be so
            long ago by now that nobody is asked any more.

    Returns:
        The event.

    Raises:
        LocalError: The file cannot be read, or holds no JSON object.
    """
    try:
        event = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalError(
            f"{file} cannot be read: {error.strerror}.", "There are samples in events/."
        ) from None
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise LocalError(f"{file} does not hold a JSON object.", "docs/events.md shows some.")
    return event | ({"occurred_at": occurred_at.isoformat()} if occurred_at else {})
