"""Lambda handler of the invitation service, behind API Gateway's HTTP API."""

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from ulid import ULID

from invitation_service.access.auth import Credentials, fetch_from_ssm
from invitation_service.answering.keys import LinkKeys
from invitation_service.answering.links import Links
from invitation_service.aws import dynamodb_client, quiet_libraries, sqs_client, ssm_provider
from invitation_service.delivering.sqs import SqsQueue, teller
from invitation_service.settings import Settings
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.surveys.service import InvitationService
from invitation_service.web.door import Api
from invitation_service.writes import pause_with_jitter


@cache
def _api() -> Api:
    quiet_libraries()
    settings, logger = Settings.from_env(os.environ), Logger()
    store = DynamoDBStore(
        dynamodb_client,
        settings.table_name,
        new_id=lambda: str(ULID()),
        pause=pause_with_jitter,
    )
    fetch = fetch_from_ssm(ssm_provider, settings.credentials_parameter)
    fetch_keys = fetch_from_ssm(ssm_provider, settings.link_keys_parameter)
    queue = SqsQueue(sqs_client, settings.delivery_queue_url)
    keys = LinkKeys(fetch_keys, time.monotonic, logger)
    return Api(
        InvitationService(store, lambda: datetime.now(UTC), tell=teller(queue, logger)),
        Credentials(fetch, time.monotonic, logger),
        logger,
        # Links are read here, never made: that is the mailing function's.
        Links(keys, "", keys.newer),
        settings.public_url,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway; see `Api.answer`."""
    return _api().answer(event, context)
