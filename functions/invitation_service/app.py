"""Lambda handler of the invitation service, behind API Gateway's HTTP API."""

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from ulid import ULID

from invitation_service.api import Api
from invitation_service.auth import Credentials, fetch_from_ssm
from invitation_service.dynamodb import DynamoDBStore
from invitation_service.service import InvitationService
from invitation_service.settings import Settings
from invitation_service.writes import pause_with_jitter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# API Gateway gives up after 30 seconds; three attempts of these fit in.
_AWS = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def _dynamodb() -> "DynamoDBClient":
    client: DynamoDBClient = boto3.client("dynamodb", config=_AWS)
    return client


@cache
def _ssm() -> SSMProvider:
    # The default session: one of its own would cost as much again.
    return SSMProvider(boto3_client=boto3.client("ssm", config=_AWS))


@cache
def _api() -> Api:
    settings, logger = Settings.from_env(os.environ), Logger()
    table = settings.table_name
    store = DynamoDBStore(_dynamodb, table, new_id=lambda: str(ULID()), pause=pause_with_jitter)
    fetch = fetch_from_ssm(_ssm, settings.credentials_parameter)
    return Api(
        InvitationService(store, lambda: datetime.now(UTC)),
        Credentials(fetch, time.monotonic, logger),
        logger,
        settings.public_url,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway; see `Api.answer`."""
    return _api().answer(event, context)
