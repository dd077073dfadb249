"""Requests of the NPS dialect, and the records of surveys and invitations, as pydantic models.

Fields as in https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_invitations/.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_RECIPIENTS = 10_000
MAX_NAME_CHARACTERS = 255

# Line breaks above all: names and addresses end up in mail headers.
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Well-formed is enough (https://www.rfc-editor.org/rfc/rfc5646#section-2.2.9).
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}")


class Status(StrEnum):
    """Where an invitation stands; the dialect knows these five."""

    DELIVERED = "delivered"
    FAILED = "failed"
    PREPARING = "preparing"
    SCHEDULED = "scheduled"
    ZERO_RECIPIENTS = "zero_recipients"


def blank() -> PydanticCustomError:
    """Return the refusal of a field that is missing or empty."""
    return PydanticCustomError("blank", "cannot be blank")


def invalid(text: str) -> PydanticCustomError:
    """Return the refusal of a value; `text` must not repeat the value."""
    return PydanticCustomError("invalid", "{text}", {"text": text})


def one_line(value: object) -> str:
    """Return a text without line breaks and control characters, stripped; it may be empty."""
    if not isinstance(value, str):
        raise invalid("must be a string")
    if _CONTROL_CHARACTERS.search(value):
        raise invalid("must not contain line breaks or control characters")
    return value.strip()


def _one_line(value: object) -> str:
    if value is None or not (text := one_line(value)):
        raise blank()
    return text


def _name(value: object) -> str:
    name = _one_line(value)
    if len(name) > MAX_NAME_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_NAME_CHARACTERS} characters")
    return name


def _address(value: object) -> str:
    try:
        # No look-up in the DNS: an invitation must not depend on a stranger's name server.
        return validate_email(_one_line(value), check_deliverability=False).normalized
    except EmailNotValidError:
        # The library's text repeats the address.
        raise invalid("is not a valid address") from None


def _language(value: object) -> str | None:
    # The list of languages was never published, so no language is a reason to refuse.
    tag = value if isinstance(value, str) else ""
    return tag if _LANGUAGE_TAG.fullmatch(tag) else None


def _recipient_list(value: object) -> object:
    if value is None or value == []:
        raise blank()
    return value


def _not_null(value: object) -> object:
    if value is None:
        raise blank()
    return value


Name = Annotated[str, BeforeValidator(_name)]
Address = Annotated[str, BeforeValidator(_address)]
Language = Annotated[str | None, BeforeValidator(_language)]


class Model(BaseModel):
    """What all records and requests have in common: they stay as they are, and tell no values."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Recipient(Model):
    """One person to invite. Addresses are kept normalised, names as they came."""

    email: Address = Field(repr=False)
    name: Name = Field(repr=False)
    language: Language = None


def _once_each(recipients: list[Recipient]) -> list[Recipient]:
    by_address: dict[str, Recipient] = {}
    for recipient in recipients:
        by_address.setdefault(recipient.email.casefold(), recipient)
    return list(by_address.values())


class InvitationBody(Model):
    """The object `invitation` of a create call."""

    recipients: Annotated[list[Recipient], BeforeValidator(_recipient_list)]

    def people(self) -> list[Recipient]:
        """Return each address once, as it came first."""
        return _once_each(self.recipients)


class CreateInvitation(Model):
    """The body of a create call."""

    invitation: Annotated[InvitationBody, BeforeValidator(_not_null)]


class SurveyBody(Model):
    """The object `survey` of our own create-survey call."""

    name: Name


class CreateSurvey(Model):
    """The body of our own create-survey call."""

    survey: Annotated[SurveyBody, BeforeValidator(_not_null)]


class SurveyStatus(StrEnum):
    """Whether a survey takes invitations and answers."""

    CLOSED = "closed"
    DRAFT = "draft"
    OPEN = "open"


class SurveySettings(Model):
    """What a survey's mails and pages say and look like; the dialect's fields.

    https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_surveys/
    """

    subject: str = ""
    """Who is rated, such as the shop's name; empty: the survey's name."""
    email_subject: str = ""
    """Empty: the question, in the recipient's language."""
    intro_text: str = ""
    comments_question: str = ""
    """Empty: ours, in the recipient's language."""
    highlight_color: str = "#77a500"
    """A colour as `#rrggbb`."""
    relationship_id: int = 0
    """0 a friend or colleague, 1 a friend, 2 a friend or family member, 3 a colleague, 4 someone you know."""
    delivery_method: str = "email"
    from_email_id: int | None = None


class Survey(Model):
    """A survey that people are invited to."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    invitations: int = 0
    """How many invitations it has; for paging, not for the wire."""
    status: SurveyStatus = SurveyStatus.OPEN
    settings: SurveySettings = SurveySettings()
    sending: int | None = None
    """The invitation whose recipients have not all been tried once: no other one is made meanwhile."""

    @property
    def rated(self) -> str:
        """Who is rated."""
        return self.settings.subject or self.name

    def shown(self) -> dict[str, Any]:
        """Return what clients see; `open` is the dialect's word for "takes invitations"."""
        own = self.model_dump(mode="json", exclude={"invitations", "sending", "settings"})
        return {**own, **self.settings.model_dump(mode="json")}


class Mailing(Model):
    """What an invitation by webhook says beyond the survey.

    Attributes:
        token: Whom it invites: the respondent, whose address and labels are read when it is mailed.
        template_id: Its text.
        due_at: When it is to be mailed, in UTC.
        footer: Whether the sender's footer is added.
    """

    token: str = Field(repr=False)
    template_id: int
    due_at: datetime
    footer: bool


class Invitation(Model):
    """One call that was accepted: with its recipients, or by webhook with its mailing."""

    id: int
    survey_id: int
    status: Status
    recipients_count: int
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None = None
    mailing: Mailing | None = None

    def shown(self) -> dict[str, Any]:
        """Return what show and list answer: no `survey_id`, no `delivered_at` before delivery."""
        return self.model_dump(mode="json", exclude={"survey_id", "mailing"}, exclude_none=True)
