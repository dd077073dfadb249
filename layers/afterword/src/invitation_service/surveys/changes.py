"""What a client may change of a survey.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_surveys/
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from invitation_service.surveys.models import (
    MAX_NAME_CHARACTERS,
    Model,
    Name,
    SurveySettings,
    blank,
    invalid,
    one_line,
)

MAX_INTRO_CHARACTERS = 5_000
RELATIONSHIPS = range(5)
# A database's number holds 38 digits; nobody's id has more than these.
MAX_ID = 10**18

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_NOT_PRINTED = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


def _line(value: object) -> str:
    text = one_line(value)
    if len(text) > MAX_NAME_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_NAME_CHARACTERS} characters")
    return text


def _intro(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("must be a string")
    if _NOT_PRINTED.search(value):
        raise invalid("must not contain control characters")
    if len(value) > MAX_INTRO_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_INTRO_CHARACTERS} characters")
    return value


def _color(value: object) -> str:
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        raise invalid("must be a colour such as #77a500")
    return value.lower()


def _method(value: object) -> str:
    # The original had a widget, too.
    if value != "email":
        raise invalid("must be email")
    return "email"


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_ID:
        raise invalid("must be a number")
    return value


def _relationship(value: object) -> int:
    number = _number(value)
    if number not in RELATIONSHIPS:
        raise invalid("must be a number from 0 to 4")
    return number


class SurveyChanges(Model):
    """The object `survey` of an update. What is left out or null stays as it was."""

    name: Name | None = None
    subject: Annotated[str, BeforeValidator(_line)] | None = None
    email_subject: Annotated[str, BeforeValidator(_line)] | None = None
    intro_text: Annotated[str, BeforeValidator(_intro)] | None = None
    comments_question: Annotated[str, BeforeValidator(_line)] | None = None
    highlight_color: Annotated[str, BeforeValidator(_color)] | None = None
    relationship_id: Annotated[int, BeforeValidator(_relationship)] | None = None
    delivery_method: Annotated[str, BeforeValidator(_method)] | None = None
    from_email_id: Annotated[int, BeforeValidator(_number)] | None = None

    def given(self) -> dict[str, Any]:
        """Return what is to be changed, by name."""
        return self.model_dump(exclude_none=True)


def _not_null(value: object) -> object:
    if value is None:
        raise blank()
    return value


class UpdateSurvey(Model):
    """The body of an update."""

    survey: Annotated[SurveyChanges, BeforeValidator(_not_null)]


def is_setting(name: str) -> bool:
    """Say whether a field of these belongs to a survey's settings."""
    return name in SurveySettings.model_fields
