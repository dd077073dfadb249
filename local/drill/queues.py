"""The queues of the stack: what AWS's poller does with them, and what AWS/SQS says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.drill.series import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_sqs import SQSClient

EVENTS, LETTERS = "ShopEventsQueue", "DeadLetterQueue"
SCHEDULE_LETTERS, DELIVERY_LETTERS = "FollowUpScheduleDeadLetterQueue", "DeliveryDeadLetterQueue"
_SECONDS_OUT = 3600


@dataclass
class Queues:
    """The queues, on the local cloud. Times are the world's, in Unix seconds, not the cloud's.

    Attributes:
        client: Of SQS.
        urls: Each queue's, by the name of its output.
    """

    client: SQSClient
    urls: Mapping[str, str]
    _arrived: dict[str, int] = field(default_factory=dict)
    _sent: int = 0

    def url(self, name: str) -> str:
        """Return a queue's address by its logical id."""
        return self.urls[f"{name}Url"]

    def send(self, name: str, body: str, at: int) -> None:
        """Put a message into a queue."""
        sent = self.client.send_message(QueueUrl=self.url(name), MessageBody=body)
        if name == EVENTS:
            self._arrived[sent["MessageId"]] = at
            self._sent += 1

    def purge(self, name: str) -> None:
        """Empty a queue."""
        self.client.purge_queue(QueueUrl=self.url(name))

    def receive(self, at: int) -> list[dict[str, Any]]:
        """Receive all shop events, as records for the function."""
        records: list[dict[str, Any]] = []
        while found := self.client.receive_message(
            QueueUrl=self.url(EVENTS), MaxNumberOfMessages=10, VisibilityTimeout=_SECONDS_OUT
        ).get("Messages"):
            records += [_record(each, at) for each in found]
        return records

    def settle(self, records: list[dict[str, Any]], answer: Any, at: int) -> None:  # noqa: ANN401 - JSON
        """Delete what is done; the rest is there again in the next minute.

        Args:
            records: What the function got.
            answer: What it answered; None: it failed.
            at: The time.
        """
        failed = {each["messageId"] for each in records}
        if answer is not None:
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for each in records:
            known = {"QueueUrl": self.url(EVENTS), "ReceiptHandle": each["receiptHandle"]}
            if each["messageId"] in failed:
                self.client.change_message_visibility(**known, VisibilityTimeout=0)
                self._arrived.setdefault(each["messageId"], at)
            else:
                self.client.delete_message(**known)
                self._arrived.pop(each["messageId"], None)

    def samples(self, at: int) -> Iterator[tuple[Metric, float]]:
        """Yield what AWS/SQS says of this minute.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        """
        yield _metric(EVENTS, "NumberOfMessagesSent"), self._sent
        self._sent = 0
        for name in (EVENTS, LETTERS, SCHEDULE_LETTERS, DELIVERY_LETTERS):
            yield _metric(name, "ApproximateNumberOfMessagesVisible"), self._waiting(name)
        oldest = min(self._arrived.values(), default=at)
        yield _metric(EVENTS, "ApproximateAgeOfOldestMessage"), at - oldest

    def _waiting(self, name: str) -> int:
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url(name), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _metric(queue: str, name: str) -> Metric:
    return Metric("AWS/SQS", name, frozenset({("QueueName", queue)}))


def _record(message: Any, at: int) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"SentTimestamp": str(at * 1000)},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:shop-events",
        "awsRegion": "eu-west-1",
    }
