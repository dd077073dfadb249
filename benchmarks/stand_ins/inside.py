"""The stand-in for DynamoDB in the caller's own process: a real boto3 client, and no socket behind it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from benchmarks.stand_ins.aws import Aws
from benchmarks.stand_ins.http import Request
from local.fake_account import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_dynamodb import DynamoDBClient

    from benchmarks.stand_ins.dynamodb import DynamoDB


class _Body(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


def client(dynamodb: DynamoDB) -> DynamoDBClient:
    """Return a client all of whose calls are answered by these tables.

    Args:
        dynamodb: The tables; they count what is asked of them.
    """
    aws = Aws(dynamodb)

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = request.body
        if not isinstance(body, bytes):
            raise TypeError("DynamoDB's requests are bytes")
        found = aws.handle(Request("POST", "/", headers, body))
        return AWSResponse(request.url, found.status, HTTPHeaders(), _Body(found.body))

    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
    # A name that nobody can have: whatever got past the door would not get far.
    made: DynamoDBClient = session.client(
        "dynamodb", endpoint_url="http://stand-in.invalid", config=Config(proxies={})
    )
    # What this event's hook returns stands for the answer, whatever the stubs say.
    made.meta.events.register("before-send.dynamodb", answer)  # type: ignore[arg-type]
    return made


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
