"""What API Gateway's HTTP API does between a client and a Lambda handler, for the small server.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.support.servers import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.servers import Answer, Exchange, Received


def to_event(request: Received) -> dict[str, Any]:
    """Return a request as an event in payload format 2.0, which leaves out what is empty."""
    optional: dict[str, Any] = {
        "queryStringParameters": dict(parse_qsl(request.query)),
        "body": request.body.decode(),
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
        "isBase64Encoded": False,
        **{name: value for name, value in optional.items() if value},
    }


def through_gateway(handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]]) -> Answer:
    """Answer with what a Lambda handler, or an object's method of its shape, makes of the request."""

    def answer(exchange: Exchange) -> None:
        result = handler(to_event(exchange.request), LambdaContext())
        body = result.get("body", "")
        payload = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
        reply(result["statusCode"], payload, result.get("headers"))(exchange)

    return answer
