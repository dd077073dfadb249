"""From a webhook's parameters to a model, or to the dialect's error that names the parameter.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-odeslani-pozvanky-stavajicimu-respondentovi/
"""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BeforeValidator, Field, ValidationError

from invitation_service.directory.records import LABELS, Labels
from invitation_service.surveys.models import Address, Model, blank, invalid, one_line
from invitation_service.web.answers import read_body
from invitation_service.web.errors import MalformedRequestError, WebhookError

MAX_PARAMETERS = 100
# A year: nobody remembers what is asked about after that.
MAX_DELAY_MINUTES = 525_600
# "limit (20, at most 20)": the page of `survey-list`.
MAX_SURVEYS = 20

_ID = re.compile(r"[0-9]{1,18}")
_MINUTES = re.compile(r"[0-9]{1,9}")
# No parameter is mandatory and may be empty at once.
_MISSING = {"missing", "blank"}


def _id(value: object) -> int:
    if not value:
        raise blank()
    if not _ID.fullmatch(str(value)):
        raise invalid("must be a number")
    return int(str(value))


def _token(value: object) -> object:
    if not value:
        raise blank()
    return value


def _delay(value: object) -> int:
    text = str(value or "0")
    if not _MINUTES.fullmatch(text) or int(text) > MAX_DELAY_MINUTES:
        raise invalid("must be minutes")
    return int(text)


def _footer(value: object) -> bool:
    if value not in {"", "0", "1"}:
        raise invalid("must be 0 or 1")
    return value != "0"


def _survey_type(value: object) -> object:
    if value not in {"survey", "test", "widget"}:
        raise invalid("must be survey, test or widget")
    return value


def _limit(value: object) -> int:
    return min(_position(value), MAX_SURVEYS)


def _position(value: object) -> int:
    if not (number := _id(value)):
        raise invalid("must be 1 or more")
    return number


Id = Annotated[int, BeforeValidator(_id)]


class Call(Model):
    """What both webhooks that invite have in common."""

    id_survey: Id
    id_template: Id
    delay: Annotated[int, BeforeValidator(_delay)] = 0
    """Minutes."""
    footer: Annotated[bool, BeforeValidator(_footer)] = True


class TokenCall(Call):
    """The parameters of `send-invitation-to-token`."""

    token: Annotated[str, BeforeValidator(_token)] = Field(repr=False)


class AddressCall(Call):
    """The parameters of `send-invitation`."""

    email: Address = Field(repr=False)
    labels: Labels = Field(repr=False)


class AddCall(Model):
    """The parameters of `add-respondent`."""

    id_survey: Id
    email: Address = Field(repr=False)
    labels: Labels = Field(repr=False)


class UpdateCall(Model):
    """The parameters of `update-respondent`."""

    id_survey: Id
    id_respondent: Annotated[str, BeforeValidator(_token)] = Field(repr=False)
    labels: Labels = Field(repr=False)


class UnsubscribeCall(Model):
    """The parameters of `unsubscribe`."""

    email: Address = Field(repr=False)


class ListCall(Model):
    """The parameters of `survey-list`."""

    type: Annotated[str, BeforeValidator(_survey_type)] = "survey"
    title: Annotated[str, BeforeValidator(one_line)] = ""
    limit: Annotated[int, BeforeValidator(_limit)] = MAX_SURVEYS
    offset: Annotated[int, BeforeValidator(_position)] = 1
    """The first survey's place in the list, from 1."""


def read_parameters(event: APIGatewayProxyEventV2) -> dict[str, str]:
    """Return a request's parameters: the query's and, of a POST, the form's, which go before.

    A parameter that comes twice counts as it came last.

    Raises:
        WebhookError: There are too many, or the form cannot be read.
    """
    query = event.raw_query_string.encode(errors="replace")
    form = _form(event) if event.http_method == "POST" else b""
    try:
        pairs = [
            *parse_qsl(_text(query), keep_blank_values=True, max_num_fields=MAX_PARAMETERS),
            *parse_qsl(_text(form), keep_blank_values=True, max_num_fields=MAX_PARAMETERS),
        ]
    except ValueError:
        raise WebhookError("Too many parameters") from None
    return dict(pairs)


def _form(event: APIGatewayProxyEventV2) -> bytes:
    try:
        return read_body(event)
    except MalformedRequestError:
        raise WebhookError("The form is not readable") from None


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def read_call[C: Model](model: type[C], parameters: Mapping[str, str]) -> C:
    """Validate parameters; unknown ones are ignored.

    Raises:
        WebhookError: One is missing or not valid; the text names the first such one.
    """
    labels = {name: text for name, text in parameters.items() if name in LABELS}
    try:
        return model.model_validate({**parameters, "labels": labels})
    except ValidationError as error:
        [first, *_] = error.errors(include_input=False, include_url=False, include_context=False)
    name = str(first["loc"][-1])
    if first["type"] in _MISSING:
        raise WebhookError(f"{name} is missing")
    # Sister pages have this text, for another webhook.
    raise WebhookError("invalid e-mail address" if name == "email" else f"{name} is not valid")
