"""JSON objects, strictly read."""

from collections.abc import Mapping

from pydantic_core import from_json

from afterword.reading.poison import PoisonError


def json_object(text: str | bytes, where: str = "the body") -> Mapping[str, object]:
    """Parse one JSON object.

    Args:
        text: JSON by RFC 8259, in UTF-8 if these are bytes.
        where: What is parsed, for the error.

    Raises:
        PoisonError: `not_json` (NaN, lone surrogates and nesting beyond 200 levels included), or
            `no_known_event` for JSON that is no object. The detail quotes nothing of the text.
    """
    try:
        # Stricter than the standard library's parser, and it bounds nesting by itself.
        parsed = from_json(text.encode() if isinstance(text, str) else text, allow_inf_nan=False)
    except ValueError as error:
        # Its text holds what was expected, the line and the column; of the input, at most a lone
        # surrogate.
        raise PoisonError("not_json", f"{where}: {error}") from None
    if not isinstance(parsed, dict):
        raise PoisonError("no_known_event", f"{where} is JSON, but no object")
    return parsed
