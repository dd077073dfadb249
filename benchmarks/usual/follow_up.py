"""The same for follow-ups: a one-time schedule for each order, which puts the message where app.py takes it from.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.idempotency import idempotent_function

from .app import Record, logger, metrics, once, persistence

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

DELAY = timedelta(days=30)

scheduler = boto3.client("scheduler")
processor = BatchProcessor(event_type=EventType.SQS, model=Record)


@idempotent_function(  # type: ignore[untyped-decorator] # The library leaves it so.
    data_keyword_argument="order", persistence_store=persistence, config=once
)
def schedule(order: dict[str, Any]) -> None:
    """Have the order come again when its follow-up is due."""
    due = datetime.now(UTC) + DELAY
    scheduler.create_schedule(
        # An order's id may be longer than a name, or of other letters.
        Name=sha256(order["order_id"].encode()).hexdigest(),
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": os.environ["QUEUE_ARN"],
            "RoleArn": os.environ["SCHEDULER_ROLE_ARN"],
            "Input": json.dumps(order),
        },
    )


def handle(record: Record) -> None:
    """Take in one message."""
    schedule(order=record.body.model_dump())
    metrics.add_metric(name="Scheduled", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take in a batch of messages."""
    once.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=handle, processor=processor, context=context
    )
