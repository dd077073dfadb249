"""A queue of shop events and its dead-letter queue, on whatever cloud a client reaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

from afterword.remembering.dead_letter_queue import DeadLetterQueue
from afterword.remembering.dead_letters import DeadLetter, SqsDeadLetters

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef


class Queues:
    """Both queues. `letters` is what looks through them without waiting."""

    def __init__(self, client: SQSClient) -> None:
        self.client = client
        name = uuid4().hex[:8]
        self.dead = client.create_queue(QueueName=f"dead-{name}")["QueueUrl"]
        self.events = client.create_queue(QueueName=f"events-{name}")["QueueUrl"]
        self.letters = DeadLetterQueue(client, self.dead, self.events, wait=0)

    @property
    def outputs(self) -> dict[str, str]:
        return {"DeadLetterQueueUrl": self.dead, "ShopEventsQueueUrl": self.events}

    def put_aside(self, *bodies: str, reason: str = "not_json", redrives: str = "") -> None:
        """Put letters there as translate_events does."""
        letters = [
            DeadLetter(
                f"m-{number}",
                "arn:aws:sqs:eu-west-1:123456789012:afterword-shop-events",
                body,
                reason,
                "expected value",
                "1793527200500",
                redrives,
            )
            for number, body in enumerate(bodies)
        ]
        assert SqsDeadLetters(self.client, self.dead).put(letters) == set()

    def put_undelivered(self, body: str) -> None:
        """Put a letter there as EventBridge does."""
        told = {
            "RULE_ARN": "arn:aws:events:eu-west-1:123456789012:rule/bus/ShopEventsRule",
            "TARGET_ARN": "arn:aws:sqs:eu-west-1:123456789012:afterword-shop-events",
            "ERROR_CODE": "NO_PERMISSIONS",
            "ERROR_MESSAGE": "The queue's policy",
            "RETRY_ATTEMPTS": "185",
        }
        self.client.send_message(
            QueueUrl=self.dead,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in told.items()
            },
        )

    def put_failed(self, body: str) -> None:
        """Put a letter there as SQS's own redrive policy does: without a word."""
        self.client.send_message(QueueUrl=self.dead, MessageBody=body)

    def taken(self, url: str | None = None) -> list[MessageTypeDef]:
        """Receive and delete all that lies in the queue of shop events, or in another."""
        where, found = url or self.events, []
        while more := self.client.receive_message(
            QueueUrl=where,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            for each in more:
                self.client.delete_message(QueueUrl=where, ReceiptHandle=each["ReceiptHandle"])
            found += more
        return found

    def ids(self) -> dict[str, str]:
        """Return the letters' ids by body, and leave all where they are."""
        with self.letters.look(60) as look:
            return {each.body: each.id for page in look for each in page}


def record(message: MessageTypeDef) -> dict[str, object]:
    """Return a message as Lambda hands it to translate_events."""
    told = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": json.loads(json.dumps(message["Attributes"])),
        "messageAttributes": {
            name: {"stringValue": each["StringValue"], "dataType": "String"}
            for name, each in told.items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:afterword-shop-events",
    }
