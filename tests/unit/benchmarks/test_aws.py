"""The stand-in for AWS as a process sees it: services by their target, faults, and its own books."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.stand_ins.aws import Aws
from benchmarks.stand_ins.dynamodb import DynamoDB
from benchmarks.stand_ins.faults import Faults
from benchmarks.stand_ins.http import Request
from tests.unit.benchmarks.test_dynamodb import TABLE, key, put, row

if TYPE_CHECKING:
    from benchmarks.stand_ins.http import Response


class Asked:
    def __init__(self) -> None:
        self.aws = Aws(DynamoDB())

    def __call__(self, target: str, **request: Any) -> tuple[int, Any]:
        body = json.dumps(request).encode()
        response = self.aws.handle(Request("POST", "/", {"x-amz-target": target}, body))
        return response.status, json.loads(response.body)

    def schedule(self, name: str, **wanted: Any) -> Response:
        request = Request("POST", f"/schedules/{name}", {}, json.dumps(wanted).encode())
        return self.aws.handle(request)

    def own(self, path: str, **settings: Any) -> Response:
        body = json.dumps(settings).encode()
        return self.aws.handle(Request("POST", f"/stand-in/{path}", {}, body))


@pytest.fixture
def ask() -> Asked:
    asked = Asked()
    asked("DynamoDB_20120810.CreateTable", **TABLE)
    return asked


def test_a_table_is_reached_by_its_target(ask: Asked) -> None:
    assert ask("DynamoDB_20120810.PutItem", TableName="t", Item=row()) == (200, {})
    assert ask("DynamoDB_20120810.GetItem", TableName="t", Key=key()) == (200, {"Item": row()})


def test_a_refusal_has_its_code_and_what_belongs_to_it(ask: Asked) -> None:
    ask("DynamoDB_20120810.PutItem", TableName="t", Item=row())
    once = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    status, body = ask("DynamoDB_20120810.PutItem", TableName="t", Item=row(), **once)
    assert (status, body["__type"]) == (400, "ConditionalCheckFailedException")
    assert body["Item"] == row()
    status, body = ask("DynamoDB_20120810.TransactWriteItems", TransactItems=[put(**once)])
    assert (status, body["__type"]) == (400, "TransactionCanceledException")
    assert body["CancellationReasons"][0]["Item"] == row()


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("Glacier.Melt", "UnknownOperationException"),
        ("AmazonSSM.Melt", "InvalidAction"),
        ("AmazonSQS.Melt", "InvalidAction"),
    ],
)
def test_what_nobody_knows_is_an_error(ask: Asked, target: str, code: str) -> None:
    status, body = ask(target)
    assert (status, body["__type"]) == (400, code)


def test_parameters_are_put_and_read(ask: Asked) -> None:
    for text in ("old", "new"):
        ask("AmazonSSM.PutParameter", Name="/a/b/c", Value=text)
    ask("AmazonSSM.PutParameter", Name="/a/bc", Value="other")
    assert ask("AmazonSSM.GetParameter", Name="/a/b/c")[1]["Parameter"]["Value"] == "new"
    found = ask("AmazonSSM.GetParametersByPath", Path="/a/b")[1]["Parameters"]
    assert [each["Name"] for each in found] == ["/a/b/c"]
    history = ask("AmazonSSM.GetParameterHistory", Name="/a/b/c")[1]["Parameters"]
    assert [(each["Version"], each["Value"]) for each in history] == [(1, "old"), (2, "new")]
    assert ask("AmazonSSM.GetParameter", Name="/a")[1]["__type"] == "ParameterNotFound"


def letter(number: int) -> dict[str, Any]:
    told = {"message_id": f"m-{number}", "reason": "not_json"}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in told.items()}
    return {"Id": str(number), "MessageBody": "body", "MessageAttributes": attributes}


def test_dead_letters_are_kept_by_id_reason_and_checksum(ask: Asked) -> None:
    ask("AmazonSQS.SendMessageBatch", Entries=[letter(1), letter(2)])
    ask("AmazonSQS.SendMessageBatch", Entries=[letter(2)])
    found = json.loads(ask.own("letters").body)
    assert [(name, reason, count) for name, reason, _, count in found] == [
        ("m-1", "not_json", 1),
        ("m-2", "not_json", 2),
    ]


def asked_until(ask: Asked, kind: str, target: str, **request: Any) -> tuple[int, Any]:
    """Ask with faults on every call, by one seed after the other, until the first one is of this kind."""
    _, _, operation = target.partition(".")
    for seed in range(100):
        ask.own("settings", share=1, seed=seed)
        before = json.loads(ask.own("counts").body)["faults"]
        answer = ask(target, **request)
        after = json.loads(ask.own("counts").body)["faults"]
        ask.own("settings", share=0, seed=0)
        if any(
            name.endswith(f"{operation}: {kind}") and count > before.get(name, 0)
            for name, count in after.items()
        ):
            return answer
        ask("DynamoDB_20120810.DeleteItem", TableName="t", Key=key())
    raise AssertionError(kind)


GET = "DynamoDB_20120810.GetItem"
TRANSACT = "DynamoDB_20120810.TransactWriteItems"


def is_there(ask: Asked) -> bool:
    return "Item" in ask(GET, TableName="t", Key=key())[1]


def test_a_call_is_throttled_and_nothing_is_done(ask: Asked) -> None:
    status, body = asked_until(ask, "throttled", TRANSACT, TransactItems=[put()])
    assert (status, body["__type"]) == (400, "ProvisionedThroughputExceededException")
    assert not is_there(ask)


def test_a_call_fails_and_nothing_is_done(ask: Asked) -> None:
    status, body = asked_until(ask, "fault", TRANSACT, TransactItems=[put()])
    assert (status, body["__type"]) == (500, "InternalServerError")
    assert not is_there(ask)


def test_an_answer_is_lost_but_all_is_done(ask: Asked) -> None:
    status, _ = asked_until(ask, "lost", TRANSACT, TransactItems=[put()])
    assert status == 500
    assert is_there(ask)


def test_a_transaction_meets_another_one(ask: Asked) -> None:
    status, body = asked_until(ask, "conflict", TRANSACT, TransactItems=[put(), put("b")])
    codes = [each["Code"] for each in body["CancellationReasons"]]
    assert (status, codes) == (400, ["TransactionConflict", "None"])
    assert not is_there(ask)


def test_a_batch_of_reads_and_one_of_letters_are_done_by_half(ask: Asked) -> None:
    wanted = {"t": {"Keys": [key("a"), key("b"), key("c")], "ConsistentRead": True}}
    target = "DynamoDB_20120810.BatchGetItem"
    _, body = asked_until(ask, "partial", target, RequestItems=wanted)
    assert body["UnprocessedKeys"] == {"t": {"Keys": [key("b")], "ConsistentRead": True}}
    entries = [letter(1), letter(2), letter(3)]
    _, body = asked_until(ask, "partial", "AmazonSQS.SendMessageBatch", Entries=entries)
    assert [each["Id"] for each in body["Failed"]] == ["1", "3"]
    assert [each["Id"] for each in body["Successful"]] == ["2"]


def test_its_books_are_read_below_a_path_of_its_own(ask: Asked) -> None:
    for pk in ("a", "b"):
        ask("DynamoDB_20120810.PutItem", TableName="t", Item=row(pk))
    lines = ask.own("items?table=t&start=1&count=5").body.splitlines()
    assert list(map(json.loads, lines)) == [row("b")]
    assert json.loads(ask.own("firsts?table=t&index=due").body) == [["l", 5]]
    written = json.loads(ask.own("heat?table=t&index=due").body)
    assert written == {"written": {"l": 2}, "hottest": 0}
    assert json.loads(ask.own("heat?table=t&index=due").body) == {"written": {}, "hottest": 0}
    counts = json.loads(ask.own("counts").body)
    assert (counts["calls"]["PutItem"], counts["items"], counts["faults"]) == (2, {"t": 2}, {})
    assert ask.own("nothing").status == 404


def test_faults_come_by_share_and_seed() -> None:
    def kinds(share: float, seed: int) -> list[str | None]:
        faults = Faults(share, seed)
        return [faults.next("x", ("a", "b")) for _ in range(400)]

    assert kinds(0, 1) == [None] * 400
    assert set(kinds(1, 1)) == {"a", "b"}
    assert kinds(0.25, 1) == kinds(0.25, 1) != kinds(0.25, 2)
    assert 60 < sum(kind is not None for kind in kinds(0.25, 1)) < 140


def test_a_schedule_is_taken_once(ask: Asked) -> None:
    wanted = {
        "ScheduleExpression": "at(2026-12-24T10:00:00)",
        "FlexibleTimeWindow": {},
        "Target": {},
    }
    assert ask.schedule("a", **wanted).status == 200
    again = ask.schedule("a", **wanted)
    assert (again.status, again.headers["X-Amzn-ErrorType"]) == (409, "ConflictException")


def test_a_schedule_without_a_time_is_refused(ask: Asked) -> None:
    refused = ask.schedule("a", FlexibleTimeWindow={}, Target={})
    assert (refused.status, refused.headers["X-Amzn-ErrorType"]) == (400, "ValidationException")


def test_calls_to_services_without_tables_are_counted_apart(ask: Asked) -> None:
    ask("AmazonSSM.PutParameter", Name="/a", Value="1")
    ask.schedule("a")
    counts = json.loads(ask.own("counts").body)
    assert counts["other_calls"] == {"AmazonSSM PutParameter": 1, "Scheduler CreateSchedule": 1}
    assert counts["calls"] == {"CreateTable": 1}
    assert counts["cpu"] > 0


def test_every_answer_takes_as_long_as_it_is_told(ask: Asked) -> None:
    ask.own("settings", delay=0.005)
    ask.own("settings", share=0)
    assert ask.schedule("a").seconds == 0.005
    ask.own("settings", delay=0)
    assert ask.schedule("b").seconds == 0
