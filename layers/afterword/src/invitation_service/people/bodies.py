"""What clients send about recipients and responses.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_recipients/
https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_responses/
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from invitation_service.people.records import (
    HIGHEST_RATING,
    LOWEST_RATING,
    MAX_COMMENT_CHARACTERS,
)
from invitation_service.surveys.models import Address, Language, Model, Name, blank, invalid

# Ids are counted up, and a database's number holds 38 digits.
_MAX_ID = 10**18
# All but line feed: comments have paragraphs.
_NOT_PRINTED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def clean_comment(text: str) -> str | None:
    """Return a comment without control characters and blanks around it, None if nothing is left.

    Line breaks of any kind become line feeds.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _NOT_PRINTED.sub("", unified).strip() or None


def _comment(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("must be a string")
    comment = clean_comment(value)
    if comment and len(comment) > MAX_COMMENT_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_COMMENT_CHARACTERS} characters")
    return comment


def _rating(value: object) -> int:
    if value is None:
        raise blank()
    if type(value) is not int or not LOWEST_RATING <= value <= HIGHEST_RATING:
        raise invalid(f"must be a number from {LOWEST_RATING} to {HIGHEST_RATING}")
    return value


def _id(value: object) -> int:
    if value is None:
        raise blank()
    if type(value) is not int or not 0 <= value < _MAX_ID:
        raise invalid("must be a number")
    return value


def _not_null(value: object) -> object:
    if value is None:
        raise blank()
    return value


Comment = Annotated[str | None, BeforeValidator(_comment)]
Rating = Annotated[int, BeforeValidator(_rating)]


class RecipientBody(Model):
    """The object `recipient` of a create call."""

    email: Address = Field(repr=False)
    name: Name = Field(repr=False)
    locale: Language = None


class CreateRecipient(Model):
    """The body of a create call."""

    recipient: Annotated[RecipientBody, BeforeValidator(_not_null)]


class RecipientChanges(Model):
    """The object `recipient` of an update; what is left out stays, a `locale` of null is dropped."""

    email: Address = Field(default="", repr=False)
    name: Name = Field(default="", repr=False)
    locale: Language = None

    def given(self) -> dict[str, Any]:
        """Return what is to be changed, by name."""
        return self.model_dump(include=self.model_fields_set)


class UpdateRecipient(Model):
    """The body of an update."""

    recipient: Annotated[RecipientChanges, BeforeValidator(_not_null)]


class ResponseBody(Model):
    """The object `response` of a create call."""

    recipient_id: Annotated[int, BeforeValidator(_id)]
    rating: Rating
    comment: Comment = Field(default=None, repr=False)


class CreateResponse(Model):
    """The body of a create call."""

    response: Annotated[ResponseBody, BeforeValidator(_not_null)]


class ResponseChanges(Model):
    """The object `response` of an update; what is left out stays, a `comment` of null is dropped."""

    rating: Rating = 0
    comment: Comment = Field(default=None, repr=False)

    def given(self) -> dict[str, Any]:
        """Return what is to be changed, by name."""
        return self.model_dump(include=self.model_fields_set)


class UpdateResponse(Model):
    """The body of an update."""

    response: Annotated[ResponseChanges, BeforeValidator(_not_null)]
