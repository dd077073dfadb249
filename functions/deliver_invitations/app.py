"""SQS trigger of the delivery queue: recipients are prepared, and mailed slice by slice."""

import os
import time
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from ulid import ULID

from invitation_service.access.auth import fetch_from_ssm
from invitation_service.answering.keys import LinkKeys
from invitation_service.answering.links import Links
from invitation_service.aws import (
    dynamodb_client,
    quiet_libraries,
    sqs_client,
    ssm_provider,
)
from invitation_service.delivering.accounts import MailAccounts
from invitation_service.delivering.letters import Letters
from invitation_service.delivering.report import Clerk
from invitation_service.delivering.slices import Desk
from invitation_service.delivering.sqs import SqsQueue
from invitation_service.delivering.worker import Worker
from invitation_service.mailing.smtp import Mailer
from invitation_service.settings import Settings
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.writes import pause_with_jitter

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = Logger()
metrics = Metrics()


@cache
def _worker() -> Worker:
    quiet_libraries()
    settings = Settings.from_env(os.environ)
    store = DynamoDBStore(
        dynamodb_client, settings.table_name, new_id=_new_id, pause=pause_with_jitter
    )
    keys = LinkKeys(
        fetch_from_ssm(ssm_provider, settings.link_keys_parameter), time.monotonic, logger
    )
    desk = Desk(
        store=store,
        mailer=Mailer(),
        mail_settings=MailAccounts(ssm_provider, settings.mail_parameters, logger),
        letters=Letters(store, Links(keys, settings.links_url)),
        now=lambda: datetime.now(UTC).replace(microsecond=0),
        new_claim=_new_id,
        logger=logger,
    )
    return Worker(desk, SqsQueue(sqs_client, settings.delivery_queue_url))


def _new_id() -> str:
    return str(ULID())


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    """Work off a batch; answer with the messages that must come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    work = partial(
        _worker().work, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000
    )
    failed = Clerk(work, logger, metrics).work_off(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
