"""pydantic's findings as text that names fields and never shows a value."""

from collections.abc import Iterator

from pydantic import ValidationError


def faults(error: ValidationError) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    """What is wrong, one triple per finding.

    Args:
        error: What pydantic raised.

    Yields:
        The path of the field, the kind of the finding (pydantic's `type`), and the message.
        pydantic's messages say what was expected; input, context and URL are left out.
    """
    for finding in error.errors(include_input=False, include_url=False, include_context=False):
        yield finding["loc"], finding["type"], finding["msg"]


def line(path: tuple[int | str, ...], message: str) -> str:
    """One finding for a reader: `customer.email: value is not a valid email address`."""
    return ": ".join(filter(None, (".".join(map(str, path)), message)))
