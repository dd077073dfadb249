"""Whom an account may invite and with what text: respondents and templates."""

import re
from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, Field, StrictBool

from invitation_service.surveys.models import (
    MAX_NAME_CHARACTERS,
    Address,
    Language,
    Model,
    Name,
    blank,
    invalid,
    one_line,
)

MAX_TEXT_CHARACTERS = 50_000
# Netquest's Czech pages have fifteen labels, its sisters' ten.
LABELS = frozenset(f"l{number}" for number in range(1, 16))

# No dot: ".json" may end a path.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_token(text: str) -> bool:
    """Say whether a respondent can have this token. Case matters."""
    return bool(_TOKEN.fullmatch(text))


def _label(value: object) -> str:
    text = one_line(value)
    if len(text) > MAX_NAME_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_NAME_CHARACTERS} characters")
    return text


def _known_labels(value: object) -> object:
    if isinstance(value, dict) and not value.keys() <= LABELS:
        raise invalid("must have no other fields than l1 to l15")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("must be a string")
    if not value.strip():
        raise blank()
    if len(value) > MAX_TEXT_CHARACTERS:
        raise invalid(f"must not be longer than {MAX_TEXT_CHARACTERS} characters")
    return value


Label = Annotated[str, BeforeValidator(_label)]
Labels = Annotated[dict[str, Label], BeforeValidator(_known_labels)]
Text = Annotated[str, BeforeValidator(_text)]


class RespondentBody(Model):
    """The object `respondent` of our own call that keeps one."""

    email: Address = Field(repr=False)
    language: Language = None
    labels: Labels = Field(default={}, repr=False)
    unsubscribed: StrictBool | None = None
    """None leaves it as it was."""


class PutRespondent(Model):
    """The body of our own call that keeps a respondent."""

    respondent: RespondentBody


class TemplateBody(Model):
    """The object `template` of our own call that keeps one."""

    subject: Name
    text: Text


class PutTemplate(Model):
    """The body of our own call that keeps a template."""

    template: TemplateBody


class Respondent(Model):
    """A person who may be invited: known to the shop by a token, to the mail by an address."""

    token: str = Field(repr=False)
    email: str = Field(repr=False)
    language: str | None = None
    labels: dict[str, str] = Field(default={}, repr=False)
    updated_at: datetime

    def shown(self) -> dict[str, Any]:
        """Return what clients see, but for `unsubscribed`, which belongs to the address."""
        return self.model_dump(mode="json")


class Template(Model):
    """The text of an invitation. Macros in it are filled when it is mailed."""

    id: int
    subject: str
    text: str
    updated_at: datetime

    def shown(self) -> dict[str, Any]:
        """Return what clients see."""
        return self.model_dump(mode="json")


class Directory(Protocol):
    """Respondents and templates of every account.

    Each method sees one account only, and may raise StoreBusyError: nothing was done. Addresses are
    the same without regard to case. What a method wrote, the next call sees.
    """

    def put_template(self, account: str, template: Template) -> None:
        """Keep a template in place of what has its id."""
        ...

    def template(self, account: str, template_id: int) -> Template | None:
        """Return a template, or None."""
        ...

    def put_respondent(self, account: str, respondent: Respondent) -> None:
        """Keep a respondent in place of who has the token; the address now leads to them."""
        ...

    def add_respondent(self, account: str, respondent: Respondent) -> Respondent:
        """Keep a respondent, unless the address leads to one already; return who it leads to."""
        ...

    def respondent(self, account: str, token: str) -> Respondent | None:
        """Return the respondent with a token, or None."""
        ...

    def respondent_at(self, account: str, email: str) -> Respondent | None:
        """Return the respondent that an address leads to, or None."""
        ...

    def drop_respondent(self, account: str, token: str) -> None:
        """Forget a respondent, if there is one; whether the address is unsubscribed stays."""
        ...

    def set_unsubscribed(self, account: str, email: str, *, unsubscribed: bool) -> None:
        """Remember that an address may not be invited, or may be again; it need not be known."""
        ...

    def is_unsubscribed(self, account: str, email: str) -> bool:
        """Say whether an address may not be invited."""
        ...
