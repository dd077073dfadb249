"""Sends bulk requests as they are given: ours are DynamoDB's JSON already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_OURS = "afterword"
_OPERATIONS = ("TransactWriteItems", "BatchGetItem")


def write_plainly(client: DynamoDBClient) -> None:
    """Spare a client the way from the parameters of bulk writes and reads to their JSON.

    boto3 visits every value on it, some of them twice, and changes none of ours: that is a quarter of what a bulk write
    costs. Signing, sending and repeating stay boto3's. Whether the outcome is the same, a client's first request of
    each kind shows, which goes boto3's way; if it is not, or nobody asks us, all others do so, too.

    https://docs.aws.amazon.com/boto3/latest/guide/events.html

    Args:
        client: It does not check parameters itself. To do this to it twice is to do it once.
    """
    # The stubs know of no handler that answers, as this event's may.
    events: Any = client.meta.events
    for name in _OPERATIONS:
        plain = _Plain()
        events.register(
            f"provide-client-params.dynamodb.{name}", plain.keep, f"{_OURS} {name} keep"
        )
        events.register(f"before-call.dynamodb.{name}", plain.give, f"{_OURS} {name} give")


class _Plain:
    def __init__(self) -> None:
        self._is_same = False

    def keep(
        self, params: dict[str, Any], context: dict[str, Any], **_: object
    ) -> dict[str, Any] | None:
        """Keep a request, and leave boto3 nothing to do."""
        context[_OURS] = params
        # Of the same shape, for boto3 looks for tables in it.
        return {name: type(each)() for name, each in params.items()} if self._is_same else None

    def give(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """Write what was kept; or compare it with what boto3 has written."""
        request = context.pop(_OURS)
        if self._is_same:
            params["body"] = json.dumps(request).encode()
        else:
            self._is_same = _says(params["body"], request)


def _says(body: bytes, request: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(body) == request)
    except ValueError:
        return False  # Another format: some services have two.
