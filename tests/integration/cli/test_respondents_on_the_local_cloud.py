"""The whole command against a stack: CloudFormation's outputs, SSM's key, the ledger's table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from afterword.deciding.customer_key import customer_key
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.records import Customer, Leaving, customer_ref
from cli.app import app
from local import kept
from tests.support.parameters import KEY
from tests.support.samples import NOW
from tests.support.tables import make_table

if TYPE_CHECKING:
    from pathlib import Path

    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud

PREFIX = "/afterword/local"
PEOPLE = 1_234


@pytest.fixture
def ledger(local_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> DynamoDbLedger:
    """What `make up` leaves, as far as the command looks at it."""
    local_cloud.reset()
    monkeypatch.setattr(kept, "find", lambda: local_cloud)
    table = make_table(local_cloud.client("dynamodb"), "LedgerTable")
    stack = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {
            "LedgerTableName": {"Value": table},
            "ParameterPrefix": {"Value": PREFIX},
        },
    }
    formation = local_cloud.client("cloudformation")
    formation.create_stack(StackName="afterword-local", TemplateBody=json.dumps(stack))
    formation.get_waiter("stack_create_complete").wait(
        StackName="afterword-local", WaiterConfig={"Delay": 1}
    )
    local_cloud.client("ssm").put_parameter(
        Name=f"{PREFIX}/secrets/customer-key", Type="SecureString", Value=KEY
    )
    return DynamoDbLedger(local_cloud.client("dynamodb"), table)


def ref(person: int) -> str:
    email = f"person-{person}@example.com"
    return customer_ref("demo", customer_key(email, KEY.encode()))


def run(file: Path) -> tuple[int, list[str]]:
    arguments = ["respondents", "import", str(file), "--shop", "demo", "--local"]
    result = CliRunner().invoke(app, arguments)
    assert result.stderr == ""
    return result.exit_code, result.stdout.splitlines()


def test_an_import_meets_what_the_ledger_knows(ledger: DynamoDbLedger, tmp_path: Path) -> None:
    file = tmp_path / "respondents.csv"
    lines = (f"person-{number}@example.com,T-{number}\n" for number in range(PEOPLE))
    file.write_text("email,token\n" + "".join(lines))
    # From events: one older than the file, one newer without a token, and one who left.
    older = Customer(ref(1), email="person-1@example.com", name="Jana", token="old", seen_at=1)
    newer = Customer(ref(2), email="PERSON-2@example.com", name="Petr", seen_at=2 * NOW)
    ledger.remember_customers([older, newer], NOW)
    ledger.suppress([Leaving(ref(3), "unsubscribed", NOW)])

    code, shown = run(file)
    assert (code, shown[-5:]) == (
        0,
        [
            f"  {PEOPLE - 3:,} new",
            "  2 changed",
            "  0 as they were",
            "  0 left alone, for a newer event said otherwise",
            "  1 left alone, for they do not want to be asked",
        ],
    )
    found = ledger.read_customers([ref(number) for number in range(PEOPLE)])
    assert len(found) == PEOPLE
    assert (found[ref(1)].name, found[ref(1)].token) == ("Jana", "T-1")
    assert (found[ref(2)].email, found[ref(2)].token) == ("PERSON-2@example.com", "T-2")
    assert (found[ref(3)].email, found[ref(3)].token) == (None, None)
    assert found[ref(PEOPLE - 1)].token == f"T-{PEOPLE - 1}"

    code, shown = run(file)
    assert (code, shown[-5:-2]) == (0, ["  0 new", "  0 changed", f"  {PEOPLE - 2:,} as they were"])
    assert ledger.read_customers([ref(number) for number in range(PEOPLE)]) == found
