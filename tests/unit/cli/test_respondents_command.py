from __future__ import annotations

import os
import runpy
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import NoRegionError
from moto import mock_aws
from typer.testing import CliRunner

from afterword.deciding.customer_key import customer_key
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.records import Customer, customer_ref
from cli.app import app
from cli.respondents import command
from tests.support.parameters import KEY, PREFIX, Store
from tests.support.samples import NOW
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from typer.testing import Result

GOOD = "email,token,name\njana@example.com,T-1,Jana\npetr@example.com,T-2,\n"
WRITES = {"TransactWriteItems", "PutItem", "UpdateItem", "BatchWriteItem", "DeleteItem"}


class Place:
    """A table and a key, and every call that reaches DynamoDB, by operation."""

    def __init__(self, client: DynamoDBClient, file: Path) -> None:
        self.client = client
        self.table = make_table(client, "LedgerTable")
        self.file = file
        self.calls: Counter[str] = Counter()

    def write(self, text: str) -> None:
        self.file.write_text(text)
        os.utime(self.file, (NOW - 10**8, NOW - 10**8))

    def run(self, *options: str) -> Result:
        self.calls.clear()
        where = ("--stage", PREFIX.rpartition("/")[2], "--table", self.table)
        arguments = ("respondents", "import", str(self.file), "--shop", "demo", *where, *options)
        return CliRunner().invoke(app, arguments)

    def customer(self, email: str) -> Customer | None:
        key = customer_ref("demo", customer_key(email, KEY.encode()))
        return DynamoDbLedger(self.client, self.table).read_customers([key]).get(key)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with mock_aws():
        clients: dict[str, Any] = {name: boto3.client(name) for name in ("dynamodb", "ssm")}
        Store(clients["ssm"]).put_secret("customer-key", KEY)
        place = Place(clients["dynamodb"], tmp_path / "respondents.csv")

        def count(model: Any, **_: object) -> None:
            place.calls[model.name] += 1

        clients["dynamodb"].meta.events.register("before-call.dynamodb", count)
        monkeypatch.setattr(command, "aws_client", clients.__getitem__)
        yield place


def test_respondents_are_imported(place: Place) -> None:
    place.write(GOOD)
    result = place.run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:3] == ["100 %: 2 respondents", "2 respondents:", "  2 new"]
    jana = place.customer("jana@example.com")
    assert jana
    assert (jana.email, jana.token, jana.name) == ("jana@example.com", "T-1", "Jana")
    assert jana.seen_at == NOW - 10**8


def test_a_second_import_changes_nothing(place: Place) -> None:
    place.write(GOOD)
    place.run()
    assert set(place.calls) & WRITES == {"TransactWriteItems"}
    result = place.run()
    assert "  0 new\n  0 changed\n  2 as they were" in result.stdout
    assert place.calls == {"BatchGetItem": 1}


def test_a_dry_run_writes_nothing(place: Place) -> None:
    place.write(GOOD)
    result = place.run("--dry-run")
    assert result.exit_code == 0
    assert "2 respondents:\n  2 new" in result.stdout
    assert "This was a dry run: nothing was written." in result.stdout
    assert place.calls == {"BatchGetItem": 1}
    assert place.customer("jana@example.com") is None


def test_refused_lines_are_told_by_number_and_the_others_are_imported(
    place: Place, tmp_path: Path
) -> None:
    place.write(GOOD + "planted@,T-3,\nPetr@example.com,T-9,planted\n")
    report = tmp_path / "refused.csv"
    result = place.run("--report", str(report))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-3:] == [
        "line 4: email: value is not a valid email address",
        "line 5: email: line 3 has the same",
        "✘ 2 lines were refused. Mend them and import the file again; the others may stay in it.",
    ]
    assert report.read_text().splitlines()[1:] == [
        "4,email: value is not a valid email address",
        "5,email: line 3 has the same",
    ]
    petr = place.customer("petr@example.com")
    assert petr
    assert petr.token == "T-2"


def test_one_refused_line_is_told_as_one(place: Place) -> None:
    place.write("email\nplanted\n")
    assert "✘ 1 line was refused. Mend it and import" in place.run().stdout


def test_nobody_in_the_file_is_shown_anywhere(place: Place) -> None:
    place.write("email,token,name\njana@planted.example,planted,planted\nplanted,planted,\n")
    result = place.run()
    assert "planted" not in result.output


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--shop", "no shop"), "✘ --shop: "),
        (("--as-of", "yesterday"), "✘ --as-of: "),
        (("--stage", "none"), "✘ /afterword/none/secrets/customer-key: put a SecureString"),
        (("--table", "none"), "✘ the ledger failed to read: ResourceNotFoundException. What was"),
        (("--local",), "✘ No local cloud is running."),
    ],
)
def test_what_goes_wrong_is_one_readable_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], text: str
) -> None:
    monkeypatch.setattr("local.kept.find", lambda: None)
    place.write(GOOD)
    result = place.run(*options)
    assert result.exit_code == 1
    assert result.stderr.startswith(text)
    assert result.stderr.count("\n") == 1


def test_a_missing_region_is_one_readable_line(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise NoRegionError

    place.write(GOOD)
    monkeypatch.setattr(command, "aws_client", fail)
    result = place.run()
    assert (result.exit_code, result.stderr) == (
        1,
        "✘ NoRegionError: You must specify a region.\n",
    )


def test_python_m_cli_is_the_same_as_afterword(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cli", "--help"])
    with pytest.raises(SystemExit) as ending:
        runpy.run_module("cli", run_name="__main__")
    assert ending.value.code == 0
    shown = capsys.readouterr().out
    assert "Usage: afterword" in shown
    assert "respondents" in shown


def test_the_command_explains_itself() -> None:
    result = CliRunner().invoke(app, ["respondents", "import", "--help"])
    assert result.exit_code == 0
    assert "Import respondents from a CSV file." in result.output
