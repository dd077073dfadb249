"""One respondent, as a line of a file tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from afterword.reading.faults import faults, line
from afterword.reading.fields import Email, Identifier, language_tag, zone_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_NAME = 200  # As in events, which cut it there.
_UNPRINTABLE = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))


class RefusedError(Exception):
    """A line can't be taken. The text names the fields at fault, never what they hold."""


def _language(text: str) -> str:
    tag = language_tag(text)
    if tag is None:
        raise PydanticCustomError("language", "it should be a BCP 47 tag, as in en-GB")
    return tag


def _zone(text: str) -> str:
    name = zone_name(text)
    if name is None:
        raise PydanticCustomError("zone", "it should be an IANA name, as in Europe/Prague")
    return name


def _name(text: str) -> str:
    if _UNPRINTABLE.intersection(text):
        raise PydanticCustomError("name", "it should be one line without control characters")
    return text


class Respondent(BaseModel):
    """Who a line tells of. An event leaves out what it can't use; a file can be mended, so here it is refused."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)

    email: Email
    token: Identifier | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    name: Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_name)] | None = None


COLUMNS = tuple(Respondent.model_fields)


def read_respondent(fields: Mapping[str, str]) -> Respondent:
    """Make a respondent of a line's fields.

    Args:
        fields: By column; what is empty is not told.

    Raises:
        RefusedError: A field can't be used, or the address is missing.
    """
    told = {name: text for name, text in fields.items() if text.strip()}
    try:
        return Respondent.model_validate(told)
    except ValidationError as error:
        reasons = [line(path, message) for path, _, message in faults(error)]
    raise RefusedError("; ".join(reasons))
