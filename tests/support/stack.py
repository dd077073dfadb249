"""What `make up` leaves, as far as the operator's commands look at it; and what IAM would have to allow them."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.client import BaseClient
from typer.testing import CliRunner

from afterword.remembering.dynamodb import DynamoDbLedger
from cli.app import app
from local.cloud import ROOT
from tests.support.dead_letters import Queues, record
from tests.support.functions import Context, load
from tests.support.parameters import KEY, account_text, campaign_text
from tests.support.tables import make_table

if TYPE_CHECKING:
    import pytest

    from local.cloud import Cloud

PREFIX = "/afterword/local"


class Stack:
    """The stack, and translate_events on the spot."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud = cloud
        self._monkeypatch = monkeypatch
        self.table = make_table(cloud.client("dynamodb"), "LedgerTable")
        self.ledger = DynamoDbLedger(cloud.client("dynamodb"), self.table)
        self.queues = Queues(cloud.client("sqs"))
        known = {
            "LedgerTableName": self.table,
            "ParameterPrefix": PREFIX,
            # Every account has one.
            "ShopEventsBusName": "default",
            **self.queues.outputs,
        }
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in known.items()},
        }
        formation = cloud.client("cloudformation")
        formation.create_stack(StackName="afterword-local", TemplateBody=json.dumps(template))
        formation.get_waiter("stack_create_complete").wait(
            StackName="afterword-local", WaiterConfig={"Delay": 1}
        )
        self._put("secrets/customer-key", KEY)
        self._put("accounts/shop", account_text())
        self._put("campaigns/after-purchase", campaign_text(mode="live", delay="PT2H"))

    def _put(self, name: str, text: str) -> None:
        self.cloud.client("ssm").put_parameter(Name=f"{PREFIX}/{name}", Type="String", Value=text)

    def run(self, *arguments: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, [*arguments, "--local", "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result.exit_code, json.loads(result.stdout)

    def translate(self) -> list[str]:
        """Hand all that waits to translate_events, as Lambda does."""
        messages = self.queues.taken()
        for name, value in {
            "STAGE": "local",
            "TABLE_NAME": self.table,
            "PARAMETER_PREFIX": PREFIX,
            "DEAD_LETTER_QUEUE_URL": self.queues.dead,
            "AWS_ENDPOINT_URL": self.cloud.endpoint_url,
            # Of its own each time: powertools keeps a logger, and where it writes to, by this name.
            "POWERTOOLS_SERVICE_NAME": f"afterword-{uuid4().hex[:8]}",
            "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
        }.items():
            self._monkeypatch.setenv(name, value)
        # Its log is not what the command prints.
        with redirect_stdout(StringIO()):
            answer = load("translate_events").handler(
                {"Records": [record(each) for each in messages]}, Context()
            )
        assert answer == {"batchItemFailures": []}
        return [each["Body"] for each in messages]


DOCUMENTED = (ROOT / "docs" / "operating.md").read_text().split("## What an operator needs")[1]


def needed(operation: str, arguments: Any) -> set[str]:
    """Return what IAM asks for: transactions are authorised by the actions on their items, batches as single calls."""
    if operation == "TransactWriteItems":
        return {f"{kind}Item" for each in arguments["TransactItems"] for kind in each}
    return {operation if operation == "BatchGetItem" else operation.removesuffix("Batch")}


def documented(*rows: str) -> set[str]:
    """Return the permissions that the documentation names for commands; "the same" is what the row above has."""
    lines = [line for line in DOCUMENTED.splitlines() if line.startswith("| ")]
    found = [line for line in lines if any(row in line.split("|")[1] for row in rows)]
    assert len(found) == len(rows)
    return set(
        re.findall(
            r"`((?:dynamodb|sqs|ssm|logs|cloudwatch|events|cloudformation):\w+)`", " ".join(found)
        )
    )


def operations(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return a set that fills with the permissions that are needed from now on."""
    called: set[str] = set()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # what every call goes through

    def note(client: BaseClient, operation: str, arguments: Any) -> Any:
        service = client.meta.service_model.service_name
        called.update(f"{service}:{name}" for name in needed(operation, arguments))
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    return called
