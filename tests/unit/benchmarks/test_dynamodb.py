"""The stand-in for DynamoDB, beyond what the ledger's contract asks of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from benchmarks.stand_ins.dynamodb import DynamoDB
from benchmarks.stand_ins.tables import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE: dict[str, Any] = {
    "TableName": "t",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "lane", "AttributeType": "S"},
        {"AttributeName": "due", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "due",
            "KeySchema": [
                {"AttributeName": "lane", "KeyType": "HASH"},
                {"AttributeName": "due", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
IDEMPOTENCY = {
    "TableName": "i",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}


class Asked:
    def __init__(self, clock: Callable[[], float] = lambda: 0) -> None:
        self.dynamodb = DynamoDB(clock)
        self("CreateTable", **TABLE)

    def __call__(self, operation: str, **request: Any) -> Any:
        answer = self.dynamodb.answer(operation, json.dumps(request).encode())
        return orjson.loads(orjson.dumps(answer))

    def refused(self, operation: str, **request: Any) -> RequestError:
        with pytest.raises(RequestError) as caught:
            self(operation, **request)
        return caught.value


def key(pk: str = "a", sk: str = "1") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def row(pk: str = "a", sk: str = "1", due: int = 5, lane: str = "l") -> dict[str, Any]:
    return key(pk, sk) | {"lane": {"S": lane}, "due": {"N": str(due)}}


@pytest.fixture
def ask() -> Asked:
    return Asked()


def put(pk: str = "a", **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "t", "Item": row(pk), **more}}


ONCE = {"ConditionExpression": "attribute_not_exists(pk)"}


def test_what_was_put_is_got(ask: Asked) -> None:
    ask("PutItem", TableName="t", Item=row())
    assert ask("GetItem", TableName="t", Key=key(), ConsistentRead=True) == {"Item": row()}
    assert ask("GetItem", TableName="t", Key=key(sk="2")) == {}


def test_a_condition_that_fails_shows_the_item_if_asked_to(ask: Asked) -> None:
    ask("PutItem", TableName="t", Item=row())
    error = ask.refused(
        "PutItem",
        TableName="t",
        Item=row(due=6),
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **ONCE,
    )
    assert error.code == "ConditionalCheckFailedException"
    assert orjson.loads(orjson.dumps(error.more)) == {"Item": row()}
    assert ask.refused("PutItem", TableName="t", Item=row(), **ONCE).more == {}


def test_an_update_and_a_deletion_return_what_they_are_asked_for(ask: Asked) -> None:
    update = {
        "TableName": "t",
        "Key": key(),
        "UpdateExpression": "SET #due = :due",
        "ExpressionAttributeNames": {"#due": "due"},
        "ExpressionAttributeValues": {":due": {"N": "7"}},
    }
    changed = key() | {"due": {"N": "7"}}
    assert ask("UpdateItem", ReturnValues="ALL_NEW", **update) == {"Attributes": changed}
    assert ask("DeleteItem", TableName="t", Key=key(), ReturnValues="ALL_OLD") == {
        "Attributes": changed
    }
    assert ask("DeleteItem", TableName="t", Key=key(), ReturnValues="ALL_OLD") == {}


def test_powertools_idempotency_finds_what_it_needs(ask: Asked) -> None:
    """The condition is that of powertools' DynamoDBPersistenceLayer."""
    ask("CreateTable", **IDEMPOTENCY)
    condition = (
        "attribute_not_exists(#id) OR #expiry < :now OR (#status = :inprogress AND"
        " attribute_exists(#in_progress_expiry) AND #in_progress_expiry < :now_in_millis)"
    )
    request = {
        "TableName": "i",
        "Item": {"id": {"S": "k"}, "expiration": {"N": "10"}, "status": {"S": "INPROGRESS"}},
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {
            "#id": "id",
            "#expiry": "expiration",
            "#in_progress_expiry": "in_progress_expiration",
            "#status": "status",
        },
        "ExpressionAttributeValues": {
            ":now": {"N": "9"},
            ":now_in_millis": {"N": "9000"},
            ":inprogress": {"S": "INPROGRESS"},
        },
    }
    ask("PutItem", **request)
    assert ask.refused("PutItem", **request).code == "ConditionalCheckFailedException"
    request["ExpressionAttributeValues"] |= {":now": {"N": "11"}}  # type: ignore[operator]  # one of its values is a dict
    ask("PutItem", **request)


def test_a_transaction_is_done_whole_or_not_at_all(ask: Asked) -> None:
    ask("PutItem", TableName="t", Item=row("b"))
    error = ask.refused("TransactWriteItems", TransactItems=[put("a"), put("b", **ONCE)])
    reasons: Any = error.more["CancellationReasons"]
    assert [each["Code"] for each in reasons] == ["None", "ConditionalCheckFailed"]
    assert ask("GetItem", TableName="t", Key=key()) == {}


def test_a_transaction_that_comes_again_under_its_token_changes_nothing_more() -> None:
    seconds = [0.0]
    ask = Asked(lambda: seconds[0])
    request = {"TransactItems": [put(**ONCE)], "ClientRequestToken": "token"}
    ask("TransactWriteItems", **request)
    assert ask("TransactWriteItems", **request) == {}
    other = {"TransactItems": [put("b")], "ClientRequestToken": "token"}
    assert ask.refused("TransactWriteItems", **other).code == "IdempotentParameterMismatchException"
    seconds[0] = 601
    assert ask.refused("TransactWriteItems", **request).code == "TransactionCanceledException"


def test_a_cancelled_transaction_is_tried_anew_under_its_token(ask: Asked) -> None:
    ask("PutItem", TableName="t", Item=row())
    request = {"TransactItems": [put(**ONCE)], "ClientRequestToken": "token"}
    ask.refused("TransactWriteItems", **request)
    ask("DeleteItem", TableName="t", Key=key())
    assert ask("TransactWriteItems", **request) == {}
    assert ask("GetItem", TableName="t", Key=key()) == {"Item": row()}


def test_a_query_goes_through_an_index_in_order_page_by_page(ask: Asked) -> None:
    for number in (3, 1, 2, 5, 4):
        ask("PutItem", TableName="t", Item=row(str(number), due=number))
    ask("PutItem", TableName="t", Item=row("other", lane="m"))
    request: dict[str, Any] = {
        "TableName": "t",
        "IndexName": "due",
        "KeyConditionExpression": "lane = :lane AND due <= :due",
        "ExpressionAttributeValues": {":lane": {"S": "l"}, ":due": {"N": "4"}},
        "Limit": 3,
    }
    page = ask("Query", **request)
    assert [item["due"]["N"] for item in page["Items"]] == ["1", "2", "3"]
    rest = ask("Query", **request, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert (rest["Items"], "LastEvaluatedKey" in rest) == ([row("4", due=4)], False)
    back = ask("Query", **request, ScanIndexForward=False)
    assert [item["due"]["N"] for item in back["Items"]] == ["4", "3", "2"]
    rest = ask(
        "Query", **request, ScanIndexForward=False, ExclusiveStartKey=back["LastEvaluatedKey"]
    )
    assert [item["due"]["N"] for item in rest["Items"]] == ["1"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("pk = :a", "12345"),
        ("pk = :a AND sk = :two", "2"),
        ("pk = :a AND sk < :two", "1"),
        ("pk = :a AND sk <= :two", "12"),
        ("pk = :a AND sk > :two", "345"),
        ("pk = :a AND sk >= :two", "2345"),
        ("pk = :a AND sk BETWEEN :two AND :four", "234"),
        ("pk = :a AND begins_with(sk, :two)", "2"),
    ],
)
def test_a_query_finds_a_range_of_sort_keys(ask: Asked, condition: str, found: str) -> None:
    for sk in "54321":
        ask("PutItem", TableName="t", Item=key("a", sk))
    ask("PutItem", TableName="t", Item=key("ab", "2"))
    values = {":a": {"S": "a"}, ":two": {"S": "2"}, ":four": {"S": "4"}}
    used = {alias: value for alias, value in values.items() if alias in condition.split(" ")}
    used |= {":two": values[":two"]} if ":two)" in condition else {}
    answer = ask(
        "Query",
        TableName="t",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=used,
        ConsistentRead=True,
    )
    assert "".join(item["sk"]["S"] for item in answer["Items"]) == found


def test_a_page_ends_at_a_megabyte_and_a_filter_comes_after_it(ask: Asked) -> None:
    for number in range(4):
        item = key("a", str(number)) | {"x": {"S": "x" * 390_000}}
        ask("PutItem", TableName="t", Item=item)
    request = {
        "TableName": "t",
        "KeyConditionExpression": "pk = :a",
        "FilterExpression": "sk <> :one",
        "ExpressionAttributeValues": {":a": {"S": "a"}, ":one": {"S": "1"}},
    }
    answer = ask("Query", **request)
    assert (answer["Count"], answer["ScannedCount"]) == (2, 3)
    assert answer["LastEvaluatedKey"] == key("a", "2")


def test_an_index_follows_what_is_written(ask: Asked) -> None:
    ask("PutItem", TableName="t", Item=row())
    ask("PutItem", TableName="t", Item=row(due=6))
    (entry,) = ask.dynamodb.tables["t"].firsts("due")
    assert entry == ("l", 6, "a", "1")
    ask("PutItem", TableName="t", Item=key())
    assert list(ask.dynamodb.tables["t"].firsts("due")) == []


def test_batches_are_written_and_read(ask: Asked) -> None:
    puts = [{"PutRequest": {"Item": row(pk)}} for pk in "abc"]
    assert ask("BatchWriteItem", RequestItems={"t": puts}) == {"UnprocessedItems": {}}
    ask("BatchWriteItem", RequestItems={"t": [{"DeleteRequest": {"Key": key("b")}}]})
    wanted = {"t": {"Keys": [key("c"), key("b"), key("a")], "ConsistentRead": True}}
    answer = ask("BatchGetItem", RequestItems=wanted)
    assert answer == {"Responses": {"t": [row("c"), row("a")]}, "UnprocessedKeys": {}}


def test_calls_and_units_are_counted_by_operation(ask: Asked) -> None:
    ask("TransactWriteItems", TransactItems=[put("a"), put("b")])
    refused = {"TableName": "t", "Item": row(due=9), **ONCE}
    ask.refused("TransactWriteItems", TransactItems=[{"Put": refused}])
    ask("PutItem", TableName="t", Item=row(due=6))
    wanted = {"t": {"Keys": [key("a"), key("x")], "ConsistentRead": True}}
    ask("BatchGetItem", RequestItems=wanted)
    ask("GetItem", TableName="t", Key=key())
    counts = ask.dynamodb.counts
    assert counts.calls == {
        "CreateTable": 1,
        "TransactWriteItems": 2,
        "PutItem": 1,
        "BatchGetItem": 1,
        "GetItem": 1,
    }
    # Two puts of two units and an index entry each, and a refused one. Then an entry moves: out and in.
    assert counts.write_units == {"TransactWriteItems": 2 * (2 + 1) + 2, "PutItem": 1 + 2}
    assert counts.read_units == {"BatchGetItem": 2, "GetItem": 0.5}


@pytest.mark.parametrize(
    ("operation", "request_", "told"),
    [
        ("Scan", {}, "this stand-in has no Scan"),
        ("PutItem", {"Item": row(), "Expected": {}}, "knows no Expected of PutItem"),
        ("PutItem", {"Item": {"pk": {"S": "a"}}}, "does not match the schema"),
        ("PutItem", {"Item": key(pk="")}, "an empty string"),
        ("PutItem", {"Item": row(), "ReturnValues": "UPDATED_NEW"}, "returns no UPDATED_NEW"),
        ("PutItem", {"Item": key() | {"x": {"S": "x" * 410_000}}}, "Item size has exceeded"),
        ("GetItem", {"Key": row()}, "does not match the schema"),
        ("PutItem", {"Item": row(), "ConditionExpression": "pk = :x"}, "not defined: :x"),
        (
            "PutItem",
            {"Item": row(), "ExpressionAttributeValues": {":x": {"S": "x"}}},
            "unused in expressions: :x",
        ),
        ("PutItem", {"Item": row(), "ConditionExpression": "pk ="}, "not understood"),
        (
            "UpdateItem",
            {
                "Key": key(),
                "UpdateExpression": "SET sk = :x",
                "ExpressionAttributeValues": {":x": {"S": "2"}},
            },
            "part of the key",
        ),
        (
            "Query",
            {"KeyConditionExpression": "due = :x", "ExpressionAttributeValues": {":x": {"S": "x"}}},
            "missed key schema element",
        ),
        (
            "Query",
            {
                "IndexName": "none",
                "KeyConditionExpression": "pk = :x",
                "ExpressionAttributeValues": {":x": {"S": "x"}},
            },
            "does not have the specified index",
        ),
        (
            "Query",
            {
                "IndexName": "due",
                "ConsistentRead": True,
                "KeyConditionExpression": "lane = :x",
                "ExpressionAttributeValues": {":x": {"S": "x"}},
            },
            "Consistent reads are not supported",
        ),
    ],
)
def test_what_dynamodb_refuses_or_this_does_not_know_is_an_error(
    ask: Asked, operation: str, request_: dict[str, Any], told: str
) -> None:
    error = ask.refused(operation, TableName="t", **request_)
    assert error.code == "ValidationException"
    assert told in error.message


@pytest.mark.parametrize(
    ("operation", "request_", "told"),
    [
        ("TransactWriteItems", {"TransactItems": []}, "1 to 100"),
        ("TransactWriteItems", {"TransactItems": [put(), put()]}, "multiple operations"),
        ("TransactWriteItems", {"TransactItems": [{"Get": {}}]}, "have no Get"),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": key(str(n)) | {"x": {"S": "x" * 390_000}}}}
                    for n in range(11)
                ]
            },
            "exceeds 4 MB",
        ),
        ("BatchWriteItem", {"RequestItems": {"t": []}}, "1 to 25"),
        ("BatchWriteItem", {"RequestItems": {"t": [{"Get": {}}]}}, "have no Get"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": []}}}, "1 to 100"),
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [key(), key()]}}}, "duplicates"),
    ],
)
def test_the_limits_of_batches_are_kept(
    ask: Asked, operation: str, request_: dict[str, Any], told: str
) -> None:
    assert told in ask.refused(operation, **request_).message


def test_tables_are_there_once_or_not_at_all(ask: Asked) -> None:
    assert ask("DescribeTable", TableName="t")["Table"]["TableStatus"] == "ACTIVE"
    assert ask.refused("CreateTable", **TABLE).code == "ResourceInUseException"
    missing = ask.refused("GetItem", TableName="none", Key=key())
    assert missing.code == "ResourceNotFoundException"


def test_a_batch_of_reads_leaves_what_is_more_than_16_megabytes(ask: Asked) -> None:
    keys = [key(str(number)) for number in range(45)]
    for each in keys:
        ask("PutItem", TableName="t", Item=each | {"x": {"S": "x" * 390_000}})
    answer = ask("BatchGetItem", RequestItems={"t": {"Keys": keys}})
    found, left = answer["Responses"]["t"], answer["UnprocessedKeys"]["t"]["Keys"]
    assert len(found) == 43
    assert len(left) == 2
