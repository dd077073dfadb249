"""The pipeline's functions, as Lambda loads and calls them, with all that the template gives them."""

from __future__ import annotations

import importlib
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from tests.support.parameters import KEY, PREFIX, Store, account_text
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import pytest
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:afterword-test-shop-events"


@dataclass
class Context:
    """What Lambda tells of an invocation."""

    milliseconds: int = 60_000
    function_name: str = "afterword-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:afterword-test"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def load(name: str) -> ModuleType:
    """Import a function's module as a new instance of it would."""
    sys.modules.pop(f"functions.{name}.app", None)
    return importlib.import_module(f"functions.{name}.app")


class Stage:
    """A deployed stage: ledger, queues, parameters, and the functions' environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.table = make_table(boto3.client("dynamodb"), "LedgerTable")
        self.dead_letters = boto3.client("sqs").create_queue(QueueName=f"dead-{uuid4().hex[:8]}")[
            "QueueUrl"
        ]
        self.store = Store(boto3.client("ssm"))
        self.store.put("accounts/shop", account_text())
        self.store.put_secret("customer-key", KEY)
        self.set(
            STAGE="test",
            TABLE_NAME=self.table,
            PARAMETER_PREFIX=PREFIX,
            DEAD_LETTER_QUEUE_URL=self.dead_letters,
            ALLOW_TIME_TRAVEL="false",
            # Of its own each time: powertools keeps a logger, and where it writes to, by this name.
            POWERTOOLS_SERVICE_NAME=f"afterword-{uuid4().hex[:8]}",
            POWERTOOLS_METRICS_NAMESPACE="Afterword",
            POWERTOOLS_LOG_LEVEL="INFO",
        )

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def function(self, name: str) -> Callable[[Any], Any]:
        """Return a function that takes an event."""
        app = load(name)
        return lambda event: app.handler(event, Context())

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Return the ledger's items whose partition key begins like this, as DynamoDB has them."""
        client: DynamoDBClient = boto3.client("dynamodb")
        found = client.scan(TableName=self.table, ConsistentRead=True)["Items"]
        return [item for item in found if item["pk"]["S"].startswith(prefix)]

    def letters(self) -> list[Any]:
        """Return the messages in the dead-letter queue."""
        client: SQSClient = boto3.client("sqs")
        answer = client.receive_message(
            QueueUrl=self.dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", ()))


def sqs_event(*bodies: str) -> dict[str, Any]:
    """Return what SQS hands to a function; messages are `m-0`, `m-1` …"""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": "handle",
                "body": body,
                "attributes": {"SentTimestamp": "1793527200500"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE_ARN,
                "awsRegion": "eu-west-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def purchase(order: str, at: int, **changes: Any) -> str:
    """Return a purchase as the body of a message. `at` in Unix seconds."""
    event = {
        "type": "purchase",
        "version": 1,
        "id": f"E-{order}",
        "shop": "demo",
        "occurred_at": datetime.fromtimestamp(at, UTC).isoformat(),
        "order_id": order,
        "customer": {"email": "jana@example.com", "name": "Jana"},
    }
    return json.dumps(event | changes)


def metrics_of(printed: str) -> dict[str, float]:
    """Return all metrics, added up, as they are under the dimension `service` alone."""
    sums: defaultdict[str, float] = defaultdict(float)
    for line in metric_lines(printed):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert ["service"] in directive["Dimensions"]
        for metric in directive["Metrics"]:
            sums[metric["Name"]] += sum(line[metric["Name"]])
    return dict(sums)


def metric_lines(printed: str) -> list[dict[str, Any]]:
    """Return the lines that CloudWatch would take metrics from."""
    lines = [json.loads(line) for line in printed.splitlines()]
    return [line for line in lines if "_aws" in line]
