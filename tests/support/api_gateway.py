"""What API Gateway's HTTP API does between a client and a Lambda handler, for the small server.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.support.servers import Received, reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.support.servers import Answer, Exchange


def to_event(request: Received) -> dict[str, Any]:
    """Return a request as an event in payload format 2.0, which leaves out what is empty."""
    text, is_base64 = _text_of(request.body)
    optional: dict[str, Any] = {
        "queryStringParameters": dict(parse_qsl(request.query, keep_blank_values=True)),
        "body": text,
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {"x-forwarded-proto": "http", **request.headers},
        "requestContext": {
            "apiId": "local",
            "domainName": request.headers.get("host", ""),
            "http": {"method": request.method, "path": request.path, "sourceIp": "127.0.0.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "isBase64Encoded": is_base64,
        **{name: value for name, value in optional.items() if value},
    }


def _text_of(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def through_gateway(handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]]) -> Answer:
    """Answer with what a Lambda handler, or an object's method of its shape, makes of the request."""

    def answer(exchange: Exchange) -> None:
        result = handler(to_event(exchange.request), LambdaContext())
        body = result.get("body", "")
        payload = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
        reply(result["statusCode"], payload, result.get("headers"))(exchange)

    return answer


def as_wsgi(handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]]) -> WSGIApplication:
    """Return a WSGI application that answers with what a Lambda handler makes of the request."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        result = handler(_event_of(environ), LambdaContext())
        status = HTTPStatus(result["statusCode"])
        headers = [(name, str(value)) for name, value in result.get("headers", {}).items()]
        headers += [("Set-Cookie", cookie) for cookie in result.get("cookies", ())]
        start_response(f"{status.value} {status.phrase}", headers)
        body = result.get("body") or ""
        return [base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()]

    return application


def _event_of(environ: WSGIEnvironment) -> dict[str, Any]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if kind := environ.get("CONTENT_TYPE"):
        headers["content-type"] = kind
    # WSGI hands paths over as Latin-1: https://peps.python.org/pep-3333/#unicode-issues
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    body = environ["wsgi.input"].read(length) if length else b""
    return to_event(
        Received(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
    )
