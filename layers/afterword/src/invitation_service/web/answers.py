"""What every dialect's routes share: how a request is read and an answer is written."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.web.errors import MalformedRequestError, RecordNotFoundError

# node-zendesk and zdesk fail on an answer without a content type.
CONTENT_TYPE = "application/json; charset=utf-8"
PLAIN_TEXT = "text/plain; charset=utf-8"

_ID = re.compile(r"[0-9]{1,18}")

type Answer = Response[str]
type Routes = dict[str, dict[str, Callable[..., Answer]]]
"""Path -> method -> what answers it."""


def read_id(text: str) -> int:
    """Read an id that stands in a path.

    Raises:
        RecordNotFoundError: It is no number: clients send ids as text, and what is none cannot be
            found.
    """
    if not _ID.fullmatch(text):
        raise RecordNotFoundError
    return int(text)


def read_body(event: APIGatewayProxyEventV2) -> bytes:
    """Return a request's body; API Gateway encodes one whose content type it takes for binary.

    Raises:
        MalformedRequestError: It is not what its encoding says.
    """
    body = (event.body or "").encode(errors="surrogatepass")
    if not event.is_base64_encoded:
        return body
    try:
        return base64.b64decode(body)
    except binascii.Error:
        raise MalformedRequestError("InvalidJson", "The request body is not readable") from None


def text_answer(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer in plain text."""
    return Response(status_code=status, content_type=PLAIN_TEXT, body=text, headers=headers)


def json_answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    """Return an answer in JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(status_code=status, content_type=CONTENT_TYPE, body=text, headers=headers)
