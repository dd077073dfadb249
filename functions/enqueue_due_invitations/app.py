"""Schedule: each minute, tell the delivery queue of the invitations that somebody must look after."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from ulid import ULID

from invitation_service.aws import dynamodb_client, quiet_libraries, sqs_client
from invitation_service.delivering.sqs import SqsQueue
from invitation_service.delivering.sweep import sweep
from invitation_service.settings import Settings
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.writes import pause_with_jitter

logger = Logger()
metrics = Metrics()


@cache
def _parts() -> tuple[DynamoDBStore, SqsQueue]:
    quiet_libraries()
    settings = Settings.from_env(os.environ)
    store = DynamoDBStore(
        dynamodb_client,
        settings.table_name,
        new_id=lambda: str(ULID()),
        pause=pause_with_jitter,
    )
    return store, SqsQueue(sqs_client, settings.delivery_queue_url)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Run one sweep by the clock; answer with how many invitations were told of."""
    del event
    store, queue = _parts()
    count = sweep(
        store, queue, datetime.now(UTC), lambda: context.get_remaining_time_in_millis() / 1000
    )
    logger.info("swept", told=count)
    metrics.add_metric(name="InvitationsLookedAfter", unit=MetricUnit.Count, value=count)
    return {"told": count}
