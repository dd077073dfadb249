"""What an emulator's SQS may do otherwise than moto's: attributes, limits, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from afterword.remembering.dead_letters import DeadLetter, SqsDeadLetters

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud


class Queue:
    def __init__(self, client: SQSClient) -> None:
        self._client = client
        self.url = client.create_queue(QueueName=f"dead-{uuid4().hex[:8]}")["QueueUrl"]
        self.put = SqsDeadLetters(client, self.url).put

    def messages(self) -> dict[str, dict[str, str]]:
        """Return every body with its attributes."""
        found = {}
        while more := self._client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for each in more:
                attributes = each.get("MessageAttributes", {})
                found[each["Body"]] = {
                    name: value["StringValue"] for name, value in attributes.items()
                }
        return found


@pytest.fixture
def queue(local_cloud: Cloud) -> Queue:
    return Queue(local_cloud.client("sqs"))


def letter(name: str, body: str) -> DeadLetter:
    return DeadLetter(name, "arn:queue", body, "not_json", "expected value", "1793527200500")


def test_letters_keep_their_bodies_and_say_why(queue: Queue) -> None:
    letters = [letter(f"m-{number}", f"bödy {number}") for number in range(23)]
    assert queue.put(letters) == set()
    found = queue.messages()
    assert found.keys() == {each.body for each in letters}
    assert found["bödy 22"] == {
        "reason": "not_json",
        "detail": "expected value",
        "message_id": "m-22",
        "queue": "arn:queue",
        "sent_at": "1793527200500",
    }


def test_large_letters_are_kept(queue: Queue) -> None:
    letters = [letter(f"m-{number}", f"{number}" * 500_000) for number in range(4)]
    assert queue.put(letters) == set()
    assert queue.messages().keys() == {each.body for each in letters}


def test_a_queue_that_is_gone_gives_everything_back(queue: Queue, local_cloud: Cloud) -> None:
    local_cloud.client("sqs").delete_queue(QueueUrl=queue.url)
    assert queue.put([letter("m-1", "a"), letter("m-2", "b")]) == {"m-1", "m-2"}
