from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from afterword.remembering.dynamodb.plain import write_plainly
from afterword.remembering.dynamodb.table import Action, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_dynamodb import DynamoDBClient

BUSY = (400, {"__type": "com.amazon.coral.availability#ThrottlingException"})


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]


@dataclass(frozen=True, slots=True)
class Sent:
    body: bytes
    headers: dict[str, Any]


class Wire:
    """Hears what a client sends, and how much of it boto3 has gone through; answers as planned, else well."""

    def __init__(self) -> None:
        config = Config(parameter_validation=False, retries={"mode": "standard"})
        self.client: DynamoDBClient = boto3.client("dynamodb", config=config)
        self.sent: list[Sent] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.visited: list[dict[str, Any]] = []
        self.client.meta.events.register("before-send.dynamodb", self._answer)
        self.client.meta.events.register("before-parameter-build.dynamodb", self._visit)

    def _visit(self, params: dict[str, Any], **_: object) -> None:
        self.visited.append(dict(params))

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body = request.body
        assert isinstance(body, bytes)
        self.sent.append(Sent(body, dict(request.headers)))
        status, answer = self.answers.pop(0) if self.answers else (200, {"Responses": {}})
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(json.dumps(answer).encode()))

    def bodies(self) -> list[Any]:
        return [json.loads(each.body) for each in self.sent]


@pytest.fixture
def wire() -> Wire:
    found = Wire()
    write_plainly(found.client)
    return found


def write(client: DynamoDBClient, pk: str, wait: Callable[[float], None] = lambda _: None) -> None:
    """Write what has every type that the ledger has."""
    item = {"n": 5, "s": "žluť \"'\\ \x7f", "b": True, "l": ["a", 1], "m": {"x": None}, "t": {"u"}}
    one = Action((pk, "-"), condition="n < :n", values={":n": 5}, item=item)
    other = Action((f"{pk}+", "-"), update="SET #n = :n", values={":n": 1}, names={"#n": "n"})
    Table(client, "ledger", wait).write([[one, other]], f"seed {pk}")


def test_what_is_sent_is_byte_for_byte_what_boto3_would_send(wire: Wire) -> None:
    usual = Wire()
    for each in (wire, usual):
        for pk in "ABC":
            write(each.client, pk)
    assert [each.body for each in wire.sent] == [each.body for each in usual.sent]
    assert len({each.body for each in wire.sent}) == 3


def test_only_the_first_transaction_goes_boto3s_way(wire: Wire) -> None:
    for pk in "ABC":
        write(wire.client, pk)
    assert [bool(each["TransactItems"]) for each in wire.visited] == [True, False, False]


def test_it_is_signed_with_its_length_and_its_operation(wire: Wire) -> None:
    for pk in "AB":
        write(wire.client, pk)
    first, second = wire.sent
    assert first.headers["X-Amz-Target"] == second.headers["X-Amz-Target"]
    assert second.headers["Content-Length"] == str(len(second.body))
    assert b"Signature=" in second.headers["Authorization"]
    assert first.headers["Authorization"] != second.headers["Authorization"]


def test_what_boto3_repeats_is_the_same_again(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    write(wire.client, "A")
    wire.answers = [BUSY, BUSY]
    write(wire.client, "B")
    assert len(wire.sent) == 4
    assert wire.bodies()[1] == wire.bodies()[2] == wire.bodies()[3]


def test_a_refusal_is_what_it_was(wire: Wire) -> None:
    write(wire.client, "A")
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"n": {"N": "7"}}}]
    wire.answers = [
        (400, {"__type": "x#TransactionCanceledException", "CancellationReasons": reasons})
    ]
    with pytest.raises(ClientError) as caught:
        wire.client.transact_write_items(TransactItems=[], ClientRequestToken="t")
    assert isinstance(caught.value, wire.client.exceptions.TransactionCanceledException)
    assert caught.value.response["CancellationReasons"] == reasons


@pytest.mark.parametrize("body", [b'{"TransactItems": []}', b"\xa1\x6dTransactItems\x80"])
def test_what_boto3_would_write_otherwise_always_goes_its_way(wire: Wire, body: bytes) -> None:
    """Some services have another format beside JSON."""

    def change(params: dict[str, Any], **_: object) -> None:
        params["body"] = body

    wire.client.meta.events.register_first("before-call.dynamodb.TransactWriteItems", change)
    for pk in "AB":
        write(wire.client, pk)
    assert [bool(each["TransactItems"]) for each in wire.visited] == [True, True]
    assert [each.body for each in wire.sent] == [body, body]


def test_where_boto3_does_not_ask_before_a_call_it_writes_by_itself() -> None:
    wire = Wire()
    write_plainly(wire.client)
    wire.client.meta.events.unregister(
        "before-call.dynamodb.TransactWriteItems", unique_id="afterword TransactWriteItems give"
    )
    for pk in "AB":
        write(wire.client, pk)
    assert [bool(each["TransactItems"]) for each in wire.visited] == [True, True]
    assert [len(each["TransactItems"]) for each in wire.bodies()] == [2, 2]


def test_twice_is_once(wire: Wire) -> None:
    write_plainly(wire.client)
    for pk in "ABC":
        write(wire.client, pk)
    assert [len(each["TransactItems"]) for each in wire.bodies()] == [2, 2, 2]
    assert [bool(each["TransactItems"]) for each in wire.visited] == [True, False, False]


def test_bulk_reads_are_spared_the_way_too(wire: Wire) -> None:
    usual = Wire()
    for each in (wire, usual):
        for pk in "ABC":
            list(Table(each.client, "ledger", lambda _: None).read([(pk, "-"), ("ž", "S#1")]))
    assert [bool(each["RequestItems"]) for each in wire.visited] == [True, False, False]
    assert [each.body for each in wire.sent] == [each.body for each in usual.sent]


def test_other_calls_go_boto3s_way(wire: Wire) -> None:
    for pk in "AB":
        write(wire.client, pk)
    wire.client.get_item(TableName="ledger", Key={"pk": {"S": "A"}})
    assert wire.visited[-1] == {"TableName": "ledger", "Key": {"pk": {"S": "A"}}}
