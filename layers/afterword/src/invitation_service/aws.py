"""How the service reaches AWS: clients made when first asked for, libraries that keep quiet."""

import logging
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.parameters import SSMProvider
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

# API Gateway gives up after 30 seconds; three attempts of these fit in.
_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def dynamodb_client() -> "DynamoDBClient":
    """Make the DynamoDB client; where, the environment tells boto3."""
    client: DynamoDBClient = boto3.client("dynamodb", config=_CONFIG)
    return client


def sqs_client() -> "SQSClient":
    """Make the SQS client; where, the environment tells boto3."""
    client: SQSClient = boto3.client("sqs", config=_CONFIG)
    return client


@cache
def ssm_provider() -> SSMProvider:
    """Return the one SSM provider, whose cache all requests share."""
    # A client of the default session: a session of its own would cost as much again.
    return SSMProvider(boto3_client=boto3.client("ssm", config=_CONFIG))


def quiet_libraries() -> None:
    """Keep requests, answers and paths out of the log, whatever its level.

    Lambda sets the root logger to the function's ApplicationLogLevel, and on DEBUG botocore logs
    every body: names, addresses, the decrypted credentials.
    """
    for name in ("aws_lambda_powertools", "boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)
