"""JSON texts that an operator wrote (campaigns, accounts, credentials), and what is wrong there."""

from pydantic import ValidationError
from pydantic_core import from_json

from afterword.reading.faults import faults, line


def json_object(text: str) -> dict[str, object]:
    """The object that a text holds.

    Raises:
        ValueError: It holds none. The message quotes nothing of the text.
    """
    try:
        parsed = from_json(text.encode(), allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ValueError("JSON, but no object")  # noqa: TRY004 - The text is wrong, not a caller.
    return parsed


def lines(error: ValidationError) -> tuple[str, ...]:
    """Every finding as a line that names its field."""
    return tuple(line(path, message) for path, _, message in faults(error))
