"""A handler as the libraries' guides advise it: one record after the other, all that it needs made at import.

It does what a team does for a start: parse an order, invite its customer once, report what failed. Its clients are
those that translate_events has, too: DynamoDB, SSM, SQS.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import requests
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parser import BaseModel
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
from pydantic import EmailStr, Json  # noqa: TC002 - the models need them at run time.

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

SECONDS = 10
# As long as a queue may keep a message.
FORTNIGHT = 14 * 86_400

logger = Logger()
metrics = Metrics()
session = requests.Session()
sqs = boto3.client("sqs")
parameters = SSMProvider()
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
once = IdempotencyConfig(
    event_key_jmespath="order_id",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=FORTNIGHT,
    use_local_cache=True,
)


class Customer(BaseModel):
    """Who bought."""

    email: EmailStr
    name: str | None = None
    language: str | None = None


class Order(BaseModel):
    """What was bought."""

    order_id: str
    shop: str
    customer: Customer


class Record(SqsRecordModel):
    """A message with an order in it."""

    body: Json[Order]


processor = BatchProcessor(event_type=EventType.SQS, model=Record)


@idempotent_function(  # type: ignore[untyped-decorator] # The library leaves it so.
    data_keyword_argument="order", persistence_store=persistence, config=once
)
def invite(order: dict[str, Any]) -> None:
    """Invite an order's customer."""
    token = str(parameters.get(os.environ["TOKEN_PARAMETER"], decrypt=True))
    answer = session.post(
        os.environ["PROVIDER_URL"],
        json={"invitation": {"recipients": [order["customer"]]}},
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS,
    )
    answer.raise_for_status()


def handle(record: Record) -> None:
    """Take in one message."""
    invite(order=record.body.model_dump())
    metrics.add_metric(name="Invited", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take in a batch of messages."""
    once.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=handle, processor=processor, context=context
    )
