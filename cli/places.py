"""Where a command works: a stage's stack on AWS, or the local cloud of `make up`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.parameters import Parameters
from afterword.settings import LOCAL_STAGE
from cli.errors import CommandError
from local import kept
from local.fake_account import move_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient

DEFAULT_STAGE = "prod"
# Nobody waits for a deadline here, so a busy AWS gets more patience than from the functions.
_AWS = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 8}
)

type Clients = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """An installation.

    Attributes:
        table: The ledger's table.
        prefix: What its parameters in SSM begin with.
        client: Makes a boto3 client by the service's name.
        outputs: Its stack's, by name; empty if no stack was looked at.
    """

    table: str
    prefix: str
    client: Clients
    outputs: Mapping[str, str] = field(default_factory=dict, compare=False)

    def ledger(self) -> DynamoDbLedger:
        """Return the ledger."""
        return DynamoDbLedger(self.client("dynamodb"), self.table)

    def parameters(self) -> Parameters:
        """Return Parameter Store."""
        is_local = self.prefix == f"/afterword/{LOCAL_STAGE}"
        return Parameters(self.client("ssm"), self.prefix, allow_http=is_local)

    def customer_secret(self) -> bytes:
        """Read the key of the customer keys. Raises ParametersError."""
        return self.parameters().customer_secret()


def aws_client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time.
    """Make a boto3 client; region, profile and credentials are those that boto3 finds.

    Args:
        service: boto3's name of the service, such as `ssm`.
    """
    return boto3.client(service, config=_AWS)


def local_clients() -> Clients:
    """Leave the real account for the local cloud of `make up`.

    Raises:
        CommandError: None is running.
    """
    move_in(os.environ)
    cloud = kept.find()
    if cloud is None:
        raise CommandError("No local cloud is running.", "Start one with 'make up'.")
    return cloud.client


def find_place(client: Clients, stage: str, stack: str | None, table: str | None) -> Place:
    """Find a stage's installation: by its table, or else by its stack's outputs.

    Args:
        client: Makes a boto3 client.
        stage: The stage.
        stack: The stack's name; None: `afterword` for prod, `afterword-<stage>` for others.
        table: The ledger's table, if it is known; then no stack is looked at.

    Raises:
        CommandError: There is no such stack, or it is none of Afterword's, or of another stage.
    """
    prefix = f"/afterword/{stage}"
    if table:
        return Place(table, prefix, client)
    name = stack or ("afterword" if stage == DEFAULT_STAGE else f"afterword-{stage}")
    outputs = stack_outputs(client("cloudformation"), name)
    # Another stage has another key: its customers would be written under keys that nobody ever looks up.
    if outputs.get("ParameterPrefix") != prefix or "LedgerTableName" not in outputs:
        raise CommandError(
            f"The stack {name} is not Afterword's stage {stage}.", "Name the right one by --stack."
        )
    return Place(outputs["LedgerTableName"], prefix, client, outputs)


def stack_outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's outputs by name.

    Raises:
        CommandError: There is no such stack.
    """
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        raise CommandError(
            f"There is no stack {stack} in {client.meta.region_name}.",
            "Name the stack by --stack, or the ledger's table by --table.",
        ) from None
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}
