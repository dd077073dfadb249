"""Looking through a dead-letter queue, and sending letters back: receive, send, delete, in this order.

The emulators have no redrive API, and AWS's can't edit a body or choose by reason. A letter that is sent and not
deleted, since somebody was interrupted, is sent twice: the ledger takes the same event once.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from afterword.remembering.dead_letters import MOST_ENTRIES, in_calls, with_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# So often in a row a look must bring nothing before it has seen all. SQS asks all its servers where it may wait.
_FRUITLESS = 3
_COUNTS: tuple[QueueAttributeNameType, ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it lies in the dead-letter queue.

    Attributes:
        id: SQS's id of it there.
        handle: What deletes it, for this look.
        body: Its original body.
        attributes: Its message attributes that are texts.
        source: The ARN of the queue from which SQS itself has moved it, if SQS says so.
        sent_at: When it was sent, Unix milliseconds; what SQS itself has moved keeps its first time.
        receives: How often it was received, each look included.
    """

    id: str
    handle: str = field(repr=False)
    body: str = field(repr=False)
    attributes: Mapping[str, str]
    source: str | None
    sent_at: int
    receives: int

    @classmethod
    def of(cls, message: MessageTypeDef) -> Letter:
        """Make one of what SQS returns.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
        """
        known = message.get("Attributes", {})
        told = message.get("MessageAttributes", {})
        return cls(
            id=message["MessageId"],
            handle=message["ReceiptHandle"],
            body=message["Body"],
            attributes={
                name: value["StringValue"] for name, value in told.items() if "StringValue" in value
            },
            source=known.get("DeadLetterQueueSourceArn"),
            sent_at=int(known.get("SentTimestamp", 0)),
            receives=int(known.get("ApproximateReceiveCount", 0)),
        )

    @property
    def redrives(self) -> int:
        """How often it was sent back before."""
        told = self.attributes.get("redrives", "0")
        return int(told) if told.isascii() and told.isdigit() else 0


class Look:
    """One look through a queue: each letter once. What is not deleted is put back when the look ends."""

    def __init__(self, client: SQSClient, url: str, hold: int, wait: int, handles: IO[str]) -> None:
        self._client = client
        self._url = url
        self._hold = hold
        self._wait = wait
        self._handles = handles
        self._seen: set[str] = set()
        self._deleted: set[str] = set()

    def __iter__(self) -> Iterator[list[Letter]]:
        """Yield up to ten letters at a time, in no order."""
        empty = again = 0
        # What shows again, since the look takes longer than the hold, is hidden once more by that; then the rest shows.
        while empty < _FRUITLESS and again < _FRUITLESS + len(self._seen) // MOST_ENTRIES:
            page = self._receive()
            new = [each for each in page if each.id not in self._seen]
            self._seen |= {each.id for each in new}
            empty = 0 if page else empty + 1
            again = 0 if new else again + bool(page)
            try:
                if new:
                    yield new
            finally:
                self._note(page)

    def delete(self, letters: Sequence[Letter]) -> None:
        """Delete letters of the page that was yielded last. Raises ClientError, BotoCoreError."""
        for chunk in batched(letters, MOST_ENTRIES, strict=False):
            handles = {str(number): each.handle for number, each in enumerate(chunk)}
            self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": id_, "ReceiptHandle": handle} for id_, handle in handles.items()],
            )
            self._deleted |= {*handles.values()}

    def put_back(self) -> None:
        """Make visible again what was received and not deleted."""
        self._handles.seek(0)
        for chunk in batched(self._handles, MOST_ENTRIES, strict=False):
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": line.rstrip("\n"), "VisibilityTimeout": 0}
                    for number, line in enumerate(chunk)
                ],
            )

    def _receive(self) -> list[Letter]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=MOST_ENTRIES,
            VisibilityTimeout=self._hold,
            WaitTimeSeconds=self._wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [Letter.of(each) for each in answer.get("Messages", ())]

    def _note(self, page: Sequence[Letter]) -> None:
        # In a file: of thousands of letters memory keeps the ids alone.
        kept = (each.handle for each in page if each.handle not in self._deleted)
        self._handles.writelines(f"{handle}\n" for handle in kept)
        self._deleted.clear()


class DeadLetterQueue:
    """The dead-letter queue, and the queue to which letters go back.

    Args:
        client: A boto3 client.
        url: The dead-letter queue.
        target_url: The queue of shop events.
        wait: For how many seconds SQS may wait for a message before it says that there is none.
    """

    def __init__(self, client: SQSClient, url: str, target_url: str, wait: int) -> None:
        self._client = client
        self._url = url
        self._target_url = target_url
        self._wait = wait

    def count(self) -> int:
        """Return about how many letters there are. Raises ClientError, BotoCoreError."""
        return self._count(self._url, _COUNTS[:1])

    def waiting(self) -> int:
        """Return about how many messages wait in the queue of shop events, those being translated included."""
        return self._count(self._target_url, _COUNTS)

    def _count(self, url: str, names: Sequence[QueueAttributeNameType]) -> int:
        found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    @contextmanager
    def look(self, hold: int) -> Iterator[Look]:
        """Look through all letters; nobody else sees them meanwhile.

        Args:
            hold: After how many seconds SQS puts back what this could not, since it was killed.

        Raises:
            ClientError, BotoCoreError: SQS did not answer.
        """
        with TemporaryFile("w+", encoding="utf-8") as handles:
            look = Look(self._client, self._url, hold, self._wait, handles)
            try:
                yield look
            finally:
                look.put_back()

    def send_back(self, letters: Sequence[Letter]) -> set[str]:
        """Send letters to the queue of shop events, without their reasons; return the ids of those that it took.

        Raises:
            ClientError, BotoCoreError: SQS did not answer; some may have been sent.
        """
        sent: set[str] = set()
        for chunk in in_calls(letters):
            answer = self._client.send_message_batch(
                QueueUrl=self._target_url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": each.body,
                        "MessageAttributes": with_room(
                            each.body, {"redrives": str(each.redrives + 1)}
                        ),
                    }
                    for number, each in enumerate(chunk)
                ],
            )
            sent |= {chunk[int(each["Id"])].id for each in answer.get("Successful", ())}
        return sent
