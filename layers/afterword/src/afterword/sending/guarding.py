"""A step that fails must not stop the others."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger(__name__)


def guarded(what: str, step: Callable[[], Counter[str]]) -> Counter[str]:
    """Take a step; if it fails, say so, count it as `failed`, and let the others go on.

    Args:
        what: Names the step, without personal data.
        step: Returns how many invitations became what; may be taken again by another run.
    """
    try:
        return step()
    except (LedgerError, ParametersError) as error:
        _logger.error("%s: %s", what, error)  # noqa: TRY400 -- the text says all
    except Exception as error:  # noqa: BLE001 -- a fault of ours with one row must not cost the others
        _logger.error("%s: %s", what, " at ".join(where(error).values()))  # noqa: TRY400 -- a traceback ends with the text, which may show a person
    return Counter(failed=1)


def where(error: Exception) -> dict[str, str]:
    """Return an error's kind and place, without its text."""
    frame = extract_tb(error.__traceback__)[-1]
    return {"fault": type(error).__name__, "at": f"{Path(frame.filename).name}:{frame.lineno}"}
