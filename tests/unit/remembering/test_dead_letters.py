from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from afterword.remembering.dead_letters import DeadLetter, SqsDeadLetters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:afterword-shop-events"

TOO_LARGE = "x" * (1_048_576 + 1)


def letter(number: int = 1, body: str = "no JSON at all", **changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "message_id": f"m-{number}",
        "queue": QUEUE,
        "body": body,
        "reason": "not_json",
        "detail": "expected value at line 1 column 1",
        "sent_at": "1793527200500",
    }
    return DeadLetter(**values | changes)


class Queue:
    """A queue, what is in it, and how many entries each call brought."""

    def __init__(self) -> None:
        self.client: SQSClient = boto3.client("sqs")
        self.url = self.client.create_queue(QueueName="dead-letters")["QueueUrl"]
        self.calls: list[int] = []
        self.client.meta.events.register(
            "provide-client-params.sqs.SendMessageBatch",
            lambda params, **_: self.calls.append(len(params["Entries"])),
        )

    def put(self, letters: Sequence[DeadLetter]) -> set[str]:
        return SqsDeadLetters(self.client, self.url).put(letters)

    def messages(self) -> list[MessageTypeDef]:
        found: list[MessageTypeDef] = []
        while more := self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += more
        return found

    def answer(self, what: Any) -> None:
        """Answer the next calls like this, without SQS."""

        def instead(**_: Any) -> Any:
            if isinstance(what, Exception):
                raise what
            return type("Answer", (), {"status_code": 200})(), what

        self.client.meta.events.register("before-call.sqs.SendMessageBatch", instead)


@pytest.fixture
def queue() -> Iterator[Queue]:
    with mock_aws():
        yield Queue()


def test_a_letter_keeps_its_body_and_says_why(queue: Queue) -> None:
    assert queue.put([letter()]) == set()
    (message,) = queue.messages()
    assert message["Body"] == "no JSON at all"
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes == {
        "reason": "not_json",
        "detail": "expected value at line 1 column 1",
        "message_id": "m-1",
        "queue": QUEUE,
        "sent_at": "1793527200500",
    }


def test_no_letters_are_no_call(queue: Queue) -> None:
    assert queue.put([]) == set()
    assert queue.calls == []


def test_a_call_takes_ten_letters(queue: Queue) -> None:
    letters = [letter(number, f"body {number}") for number in range(23)]
    assert queue.put(letters) == set()
    assert queue.calls == [10, 10, 3]
    assert {message["Body"] for message in queue.messages()} == {each.body for each in letters}


def test_a_call_takes_a_mebibyte(queue: Queue) -> None:
    # Bytes count, not characters: this is 300 kB each, of 100,000 characters.
    assert queue.put([letter(number, "☂" * 100_000) for number in range(5)]) == set()
    assert queue.calls == [3, 2]


def test_a_large_letter_goes_alone(queue: Queue) -> None:
    sizes = [10, 1_046_000, 1_046_000, 10]
    letters = [letter(number, "x" * size) for number, size in enumerate(sizes)]
    assert queue.put(letters) == set()
    assert queue.calls == [1, 1, 1, 1]
    assert sorted(len(message["Body"]) for message in queue.messages()) == sorted(sizes)


def test_a_long_explanation_is_cut_and_an_empty_one_left_out(queue: Queue) -> None:
    queue.put([letter(1, detail="d" * 3000), letter(2, detail="", sent_at="")])
    first, second = sorted(
        (message["MessageAttributes"] for message in queue.messages()),
        key=lambda attributes: attributes["message_id"]["StringValue"],
    )
    assert first["detail"]["StringValue"] == "d" * 1000
    assert second.keys() == {"reason", "message_id", "queue"}


def test_an_entry_that_sqs_refuses_comes_back_by_its_id(queue: Queue) -> None:
    failed = [{"Id": "1", "SenderFault": False, "Code": "InternalError"}]
    queue.answer({"Successful": [{"Id": "0"}], "Failed": failed})
    assert queue.put([letter(7), letter(8)]) == {"m-8"}


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "RequestThrottled"}}, "SendMessageBatch"),
        EndpointConnectionError(endpoint_url="https://sqs.example"),
    ],
    ids=["refused", "unreachable"],
)
def test_a_call_that_fails_gives_all_its_letters_back(queue: Queue, error: Exception) -> None:
    queue.answer(error)
    letters = [letter(number) for number in range(12)]
    assert queue.put(letters) == {each.message_id for each in letters}


def test_what_sqs_can_not_keep_comes_back(queue: Queue) -> None:
    assert queue.put([letter(1, body=TOO_LARGE)]) == {"m-1"}
    assert queue.messages() == []


MIB = 1_048_576
# Of names, types and values together, for the reason alone and for all but the detail.
REASON = len("reasonStringnot_json")
ALL_BUT_DETAIL = REASON + len("message_idStringm-1") + len("sent_atString1793527200500")
ALL_BUT_DETAIL += len("queueString" + QUEUE)


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (ALL_BUT_DETAIL + 30, {"reason", "message_id", "sent_at", "queue"}),
        (ALL_BUT_DETAIL - 1, {"reason", "message_id", "sent_at"}),
        (REASON, {"reason"}),
        (REASON - 1, set()),
        (0, set()),
    ],
)
def test_beside_a_large_body_stands_what_there_is_room_for_the_reason_first(
    queue: Queue, room: int, kept: set[str]
) -> None:
    # Of two bytes each: a message is measured in bytes.
    body = "é" * ((MIB - room) // 2) + "x" * ((MIB - room) % 2)
    assert queue.put([letter(1, body)]) == set()
    (message,) = queue.messages()
    attributes = message.get("MessageAttributes", {})
    assert attributes.keys() == kept
    size = len(message["Body"].encode())
    size += sum(len(name + each["StringValue"]) + 6 for name, each in attributes.items())
    assert size <= MIB


def test_a_letter_says_how_often_it_came_back(queue: Queue) -> None:
    queue.put([letter(1, redrives="3")])
    (message,) = queue.messages()
    assert message["MessageAttributes"]["redrives"]["StringValue"] == "3"


def test_a_call_that_fails_costs_no_other_call(queue: Queue) -> None:
    letters = [letter(number) for number in range(10)]
    assert queue.put([*letters, letter(10, body=TOO_LARGE)]) == {"m-10"}
    assert len(queue.messages()) == 10


def test_nobody_sees_a_body_by_looking_at_a_letter() -> None:
    shown = repr(letter(3, "jana@example.com"))
    assert shown == "DeadLetter(m-3, not_json)"
    assert f"{[letter(3, 'jana@example.com')]}" == "[DeadLetter(m-3, not_json)]"
