from __future__ import annotations

import threading
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from afterword.remembering.dynamodb.table import Action, Failure, Item, Table, from_wire, to_wire
from afterword.remembering.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

PLANTED = "jana@example.com"
CONFLICT = {"Code": "TransactionConflict"}
DONE = {"Code": "None"}
THROTTLED = "ProvisionedThroughputExceededException"


def failed(**item: Any) -> dict[str, Any]:
    return {"Code": "ConditionalCheckFailed", "Item": to_wire(item)}


def error(code: str, **more: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": f"about {PLANTED}"}, **more}
    return ClientError(response, "TransactWriteItems")  # type: ignore[arg-type]  # botocore wants the whole answer


class Scripted:
    """A client that answers as planned, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = deque(answers)
        self.asked: list[dict[str, Any]] = []
        self.pauses: list[float] = []
        self.exceptions: Any = boto3.client("dynamodb").exceptions
        # One call after the other, as its answers are planned.
        self.table = self.make_table(at_once=1)

    def make_table(self, at_once: int) -> Table:
        client = cast("DynamoDBClient", self)
        return Table(client, "ledger", self.pauses.append, at_once)

    def cancelled(self, *reasons: dict[str, Any]) -> Exception:
        """Return what boto3 raises when a transaction is cancelled."""
        code = "TransactionCanceledException"
        response = {
            "Error": {"Code": code, "Message": f"about {PLANTED}"},
            "CancellationReasons": list(reasons),
        }
        raised: Exception = self.exceptions.TransactionCanceledException(
            response, "TransactWriteItems"
        )
        return raised

    def plan(self, *answers: Any) -> None:
        self.answers.extend(answers)

    def _answer(self, **request: Any) -> Any:
        self.asked.append(request)
        answer = self.answers.popleft() if self.answers else {"Responses": {}}
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = _answer
    batch_get_item = _answer

    def keys(self, call: int) -> list[str]:
        """Return the partition keys that a call wrote, in order."""
        actions = [next(iter(each.values())) for each in self.asked[call]["TransactItems"]]
        return [from_wire(each.get("Item") or each["Key"])["pk"] for each in actions]

    def tokens(self) -> list[str]:
        return [each["ClientRequestToken"] for each in self.asked]


def put(pk: str, **item: Any) -> list[Action]:
    return [Action((pk, "-"), condition="attribute_not_exists(pk)", item=item)]


def puts(names: Iterable[object]) -> list[list[Action]]:
    return [put(str(name)) for name in names]


def test_a_put_and_an_update_say_all_that_dynamodb_needs() -> None:
    dynamodb = Scripted()
    update = Action(
        ("B", "-"),
        condition="#state = :was",
        values={":was": "pending", ":none": None},
        names={"#state": "state"},
        update="SET #state = :was",
    )
    dynamodb.table.write([put("A", due=5, name=None), [update]], "seed")
    assert dynamodb.asked[0]["TransactItems"] == [
        {
            "Put": {
                "TableName": "ledger",
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "Item": {"pk": {"S": "A"}, "sk": {"S": "-"}, "due": {"N": "5"}},
            }
        },
        {
            "Update": {
                "TableName": "ledger",
                "ConditionExpression": "#state = :was",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ExpressionAttributeValues": {":was": {"S": "pending"}},
                "ExpressionAttributeNames": {"#state": "state"},
                "Key": {"pk": {"S": "B"}, "sk": {"S": "-"}},
                "UpdateExpression": "SET #state = :was",
            }
        },
    ]


def test_an_action_without_a_condition_asks_for_no_old_item() -> None:
    dynamodb = Scripted()
    dynamodb.table.write([[Action(("A", "-"))]], "seed")
    (action,) = dynamodb.asked[0]["TransactItems"]
    assert action["Put"].keys() == {"TableName", "Item"}


@pytest.mark.parametrize(
    "code",
    [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
    ],
)
def test_what_passes_by_itself_is_repeated_after_a_pause(code: str) -> None:
    dynamodb = Scripted()
    dynamodb.plan(*[dynamodb.cancelled(DONE, {"Code": code})] * 2)
    assert dynamodb.table.write(puts("AB"), "seed") == [None, None]
    assert [dynamodb.keys(call) for call in range(3)] == [["A", "B"]] * 3
    assert len(dynamodb.pauses) == 2


def test_the_same_again_carries_the_same_token() -> None:
    dynamodb = Scripted()
    dynamodb.plan(dynamodb.cancelled(CONFLICT))
    dynamodb.table.write(puts("A"), "seed")
    first, second = dynamodb.tokens()
    assert first == second
    assert len(first) == 36  # DynamoDB takes no more.


def test_each_transaction_of_an_operation_carries_its_own_token() -> None:
    dynamodb = Scripted()
    for seed in ("seed", "another seed"):
        dynamodb.table.write(puts(range(201)), seed)
    assert len(set(dynamodb.tokens())) == 6


def test_the_same_operation_again_carries_the_same_tokens() -> None:
    dynamodb = Scripted()
    for _ in range(2):
        dynamodb.table.write(puts(range(201)), "seed")
    first, again = dynamodb.tokens()[:3], dynamodb.tokens()[3:]
    assert first == again


def test_a_write_whose_condition_failed_is_dropped_and_the_rest_repeated() -> None:
    dynamodb = Scripted()
    dynamodb.plan(dynamodb.cancelled(DONE, failed(state="ended", due=5), CONFLICT))
    assert dynamodb.table.write(puts("ABC"), "seed") == [
        None,
        Failure(0, {"state": "ended", "due": 5}),
        None,
    ]
    assert [dynamodb.keys(0), dynamodb.keys(1)] == [["A", "B", "C"], ["A", "C"]]
    first, second = dynamodb.tokens()
    assert first != second
    assert dynamodb.pauses == []


def test_the_actions_of_one_write_stand_or_fall_together() -> None:
    dynamodb = Scripted()
    both = [*put("A1"), *put("A2")]
    dynamodb.plan(dynamodb.cancelled(DONE, failed(), failed(x=1), DONE))
    assert dynamodb.table.write([put("Z"), both, put("B")], "seed") == [
        None,
        Failure(0, {}),
        None,
    ]
    assert dynamodb.keys(1) == ["Z", "B"]


def test_of_a_write_the_failed_action_is_told() -> None:
    dynamodb = Scripted()
    dynamodb.plan(dynamodb.cancelled(DONE, failed(x=1)))
    assert dynamodb.table.write([[*put("A1"), *put("A2")]], "seed") == [Failure(1, {"x": 1})]


def test_when_all_conditions_failed_nothing_is_repeated() -> None:
    dynamodb = Scripted()
    dynamodb.plan(dynamodb.cancelled(failed(), {"Code": "ConditionalCheckFailed"}))
    assert dynamodb.table.write(puts("AB"), "seed") == [Failure(0, {}), Failure(0, {})]
    assert len(dynamodb.asked) == 1


def test_a_later_transaction_drops_its_own_writes() -> None:
    dynamodb = Scripted()
    dynamodb.plan({}, dynamodb.cancelled(failed(x=1), DONE))
    found = dynamodb.table.write(puts(range(102)), "seed")
    assert [index for index, failure in enumerate(found) if failure] == [100]
    assert dynamodb.keys(2) == ["101"]


def test_conflicts_without_end_are_an_error_after_growing_pauses() -> None:
    dynamodb = Scripted()
    dynamodb.plan(*[dynamodb.cancelled(CONFLICT)] * 10)
    with pytest.raises(LedgerError, match="conflicting"):
        dynamodb.table.write(puts("A"), "seed")
    assert len(dynamodb.asked) == 6
    limits = [0.05 * 2**attempt for attempt in range(6)]
    assert [pause <= most for pause, most in zip(dynamodb.pauses, limits, strict=True)] == [
        True
    ] * 6


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_refused_action_is_an_error_and_never_repeated(code: str) -> None:
    dynamodb = Scripted()
    dynamodb.plan(dynamodb.cancelled(DONE, {"Code": code, "Message": f"about {PLANTED}"}))
    with pytest.raises(LedgerError, match=code) as caught:
        dynamodb.table.write(puts([PLANTED, "B"]), "seed")
    assert PLANTED not in str(caught.value)
    assert len(dynamodb.asked) == 1


def test_a_transaction_takes_a_hundred_actions() -> None:
    dynamodb = Scripted()
    pairs = [[*put(f"{number}a"), *put(f"{number}b")] for number in range(75)]
    assert dynamodb.table.write([put("first"), *pairs], "seed") == [None] * 76
    # A pair is never torn apart: 1 + 49 pairs, then the rest.
    assert [len(each["TransactItems"]) for each in dynamodb.asked] == [99, 52]


def test_exactly_a_hundred_actions_are_one_transaction() -> None:
    dynamodb = Scripted()
    dynamodb.table.write(puts(range(100)), "seed")
    assert len(dynamodb.asked) == 1


def test_no_transaction_touches_an_item_twice() -> None:
    dynamodb = Scripted()
    dynamodb.table.write([*puts("AB"), [*put("C"), *put("A")], *puts("DC")], "seed")
    assert [dynamodb.keys(call) for call in range(3)] == [["A", "B"], ["C", "A", "D"], ["C"]]


class Together(Scripted):
    """Answers no call before so many are in flight; more than that are never seen. Fewer would wait for ever."""

    def __init__(self, at_once: int, *, fails: str | None = None) -> None:
        super().__init__()
        self.barrier = threading.Barrier(at_once, timeout=60)
        self.lock = threading.Lock()
        self.inside = self.most = 0
        self.threads: set[threading.Thread] = set()
        self.fails = fails
        self.table = self.make_table(at_once)

    def _answer(self, **request: Any) -> Any:
        with self.lock:
            self.threads.add(threading.current_thread())
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.asked.append(request)
        self.barrier.wait()
        with self.lock:
            self.inside -= 1
        self.barrier.wait()
        if self.fails and f"'{self.fails}'" in str(request):
            raise error(THROTTLED)
        return {
            "Responses": {
                "ledger": request.get("RequestItems", {"ledger": {"Keys": []}})["ledger"]["Keys"]
            }
        }

    transact_write_items = _answer
    batch_get_item = _answer


def test_transactions_run_at_once_and_what_failed_is_known_of_each() -> None:
    dynamodb = Together(4)
    assert dynamodb.table.write(puts(range(800)), "seed") == [None] * 800
    assert (dynamodb.most, len(dynamodb.asked)) == (4, 8)
    assert len({pk for call in range(8) for pk in dynamodb.keys(call)}) == 800
    assert len(set(dynamodb.tokens())) == 8


def test_reads_run_at_once_and_come_in_order() -> None:
    dynamodb = Together(4)
    found = dynamodb.table.read((str(number), "-") for number in range(800))
    assert [item["pk"] for item in found] == [str(number) for number in range(800)]
    assert (dynamodb.most, len(dynamodb.asked)) == (4, 8)


def test_where_an_item_stands_in_several_writes_they_come_one_after_the_other() -> None:
    dynamodb = Together(1)
    table = dynamodb.make_table(at_once=4)
    table.write([*puts(range(150)), *puts([0])], "seed")
    assert [len(each["TransactItems"]) for each in dynamodb.asked] == [100, 51]
    assert dynamodb.threads == {threading.current_thread()}


def test_a_transaction_that_fails_is_an_error_once_the_others_have_ended() -> None:
    dynamodb = Together(4, fails="150")
    with pytest.raises(LedgerError, match=THROTTLED):
        dynamodb.table.write(puts(range(400)), "seed")
    assert len(dynamodb.asked) == 4
    assert not [each for each in threading.enumerate() if each.name.startswith("ledger")]


def test_nothing_to_write_is_no_call() -> None:
    dynamodb = Scripted()
    assert dynamodb.table.write([], "seed") == []
    assert list(dynamodb.table.read([])) == []
    assert dynamodb.asked == []


def answer(*items: Item, unprocessed: Iterable[str] = ()) -> dict[str, Any]:
    keys = [to_wire({"pk": pk, "sk": "-"}) for pk in unprocessed]
    return {
        "Responses": {"ledger": [to_wire(item) for item in items]},
        "UnprocessedKeys": {"ledger": {"Keys": keys}} if keys else {},
    }


def test_reads_are_strongly_consistent_and_each_key_is_asked_for_once() -> None:
    dynamodb = Scripted(answer({"pk": "A", "sk": "-", "due": 5}))
    keys = [("A", "-"), ("B", "-"), ("A", "-")]
    assert list(dynamodb.table.read(keys)) == [{"pk": "A", "sk": "-", "due": 5}]
    (request,) = dynamodb.asked
    wanted = [{"pk": {"S": pk}, "sk": {"S": "-"}} for pk in "AB"]
    assert request["RequestItems"] == {"ledger": {"Keys": wanted, "ConsistentRead": True}}


def test_a_read_takes_a_hundred_keys() -> None:
    dynamodb = Scripted(*[answer()] * 3)
    assert list(dynamodb.table.read((str(number), "-") for number in range(230))) == []
    asked = [len(each["RequestItems"]["ledger"]["Keys"]) for each in dynamodb.asked]
    assert asked == [100, 100, 30]


def test_what_was_left_unprocessed_is_read_again_after_a_pause() -> None:
    dynamodb = Scripted(answer({"pk": "A"}, unprocessed="BC"), answer({"pk": "B"}, {"pk": "C"}))
    found = dynamodb.table.read([(pk, "-") for pk in "ABC"])
    assert [item["pk"] for item in found] == ["A", "B", "C"]
    again = dynamodb.asked[1]["RequestItems"]["ledger"]
    assert again["ConsistentRead"]
    assert [from_wire(each)["pk"] for each in again["Keys"]] == ["B", "C"]
    assert len(dynamodb.pauses) == 1


def test_what_stays_unprocessed_is_an_error() -> None:
    dynamodb = Scripted(*[answer(unprocessed="A")] * 10)
    with pytest.raises(LedgerError, match="unprocessed"):
        list(dynamodb.table.read([("A", "-")]))
    assert len(dynamodb.asked) == 6


FAULTS = [
    (error(THROTTLED), THROTTLED),
    (error("InternalServerError"), "InternalServerError"),
    (error("ValidationException"), "ValidationException"),
    (EndpointConnectionError(endpoint_url=f"https://{PLANTED}"), "EndpointConnectionError"),
]


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_whatever_else_goes_wrong_is_an_error_that_names_the_fault_alone(
    fault: Exception, code: str
) -> None:
    dynamodb = Scripted(fault, fault)
    with pytest.raises(LedgerError) as caught:
        dynamodb.table.write([put(PLANTED, email=PLANTED)], "seed")
    assert str(caught.value) == f"the ledger failed to write: {code}"
    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(LedgerError) as caught:
        list(dynamodb.table.read([(PLANTED, "-")]))
    assert str(caught.value) == f"the ledger failed to read: {code}"
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[code for _, code in FAULTS])
def test_a_query_that_fails_is_an_error_that_names_the_fault_alone(
    fault: Exception, code: str
) -> None:
    client = boto3.client("dynamodb")

    def refuse(**_: Any) -> None:
        raise fault

    client.meta.events.register("before-call.dynamodb.Query", refuse)
    with pytest.raises(LedgerError) as caught:
        Table(client, "ledger", lambda _: None).query("pk = :pk", {":pk": PLANTED})
    assert str(caught.value) == f"the ledger failed to query: {code}"
    assert PLANTED not in "".join(traceback.format_exception(caught.value))
