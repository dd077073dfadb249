"""Errors as people see them: what the API says in JSON, a page says in their language."""

import re

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.answering.languages import texts_for
from invitation_service.answering.pages import told
from invitation_service.answering.rendering import page
from invitation_service.web.answers import Answer
from invitation_service.web.errors import (
    DialectError,
    ForbiddenError,
    RecordNotFoundError,
    UnauthenticatedError,
    UnavailableError,
)

_PAGES = re.compile(r"/(s|u|results)/[^/]+")


def is_page(path: str) -> bool:
    """Say whether people, not programs, open a path."""
    return bool(_PAGES.fullmatch(path))


def refusal(event: APIGatewayProxyEventV2, error: DialectError) -> Answer:
    """Return the page that says what is wrong, and nothing about what the request was for."""
    texts = texts_for(event)
    match error:
        case UnauthenticatedError():
            return _sign_in(event)
        case RecordNotFoundError():
            values = told(texts, "unknown")
        case ForbiddenError():
            title, text = (texts.say(f"sign_in.forbidden_{each}") for each in ("title", "text"))
            values = {"title": title, "heading": title, "text": text}
        case UnavailableError():
            values = told(texts, "fault") | {"text": texts.say("fault.busy_text")}
        case _:
            values = told(texts, "fault")
    answer = page("message", texts, status=error.status, **values)
    answer.headers.update(error.headers)
    return answer


def _sign_in(event: APIGatewayProxyEventV2) -> Answer:
    texts, by_form = texts_for(event), event.http_method == "POST"
    title = texts.say("sign_in.title")
    answer = page("sign_in", texts, status=401, title=title, heading=title, refused=by_form)
    if not by_form:
        # API Gateway may rename this header, and then no browser asks: so there is the form.
        answer.headers["WWW-Authenticate"] = 'Basic realm="results", charset="UTF-8"'
    return answer
