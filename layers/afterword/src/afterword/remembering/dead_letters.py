"""Dead letters: what can't be read goes to the dead-letter queue at once, with its reason and its original body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        MessageAttributeValueTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MOST_ENTRIES = 10
MOST_BYTES = 1_048_576
_LONGEST_DETAIL = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody can read: its id and queue, its body, why, and when it was sent (Unix milliseconds).

    `redrives` says how often it came back from the dead-letter queue; empty: never.
    """

    message_id: str
    queue: str
    body: str
    reason: str
    detail: str
    sent_at: str
    redrives: str = ""

    def __repr__(self) -> str:
        """Return no body: it may hold personal data."""
        return f"DeadLetter({self.message_id}, {self.reason})"


class DeadLetters(Protocol):
    """Where dead letters go."""

    def put(self, letters: Sequence[DeadLetter]) -> set[str]:
        """Keep letters; return the message ids of those that could not be kept."""
        ...


class SqsDeadLetters:
    """Dead letters in an SQS queue.

    Args:
        client: A boto3 client.
        queue_url: The dead-letter queue.
    """

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, letters: Sequence[DeadLetter]) -> set[str]:
        """See `DeadLetters`."""
        failed: set[str] = set()
        for chunk in in_calls(letters):
            failed |= self._put(chunk)
        return failed

    def _put(self, letters: Sequence[DeadLetter]) -> set[str]:
        entries = [_entry(str(number), letter) for number, letter in enumerate(letters)]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (ClientError, BotoCoreError):
            return {letter.message_id for letter in letters}
        # A call that succeeds may still have refused single entries.
        return {letters[int(each["Id"])].message_id for each in answer.get("Failed", ())}


def _entry(number: str, letter: DeadLetter) -> SendMessageBatchRequestEntryTypeDef:
    attributes = {
        "reason": letter.reason,
        "redrives": letter.redrives,
        "message_id": letter.message_id,
        "sent_at": letter.sent_at,
        "queue": letter.queue,
        "detail": letter.detail[:_LONGEST_DETAIL],
    }
    return {
        "Id": number,
        "MessageBody": letter.body,
        "MessageAttributes": with_room(letter.body, attributes),
    }


def with_room(body: str, attributes: Mapping[str, str]) -> dict[str, MessageAttributeValueTypeDef]:
    """Return those of the attributes for which there is room beside a body, the first ones first.

    Names, types and values count for a message's size. Without room for its reason, a letter is better bare than
    failing back for a day.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
    """
    room = MOST_BYTES - len(body.encode())
    found: dict[str, MessageAttributeValueTypeDef] = {}
    for name, value in attributes.items():
        if value:
            room -= len(name) + len("String") + len(value.encode())
            if room < 0:
                break
            found[name] = {"DataType": "String", "StringValue": value}
    return found


class _HasBody(Protocol):
    @property
    def body(self) -> str: ...


def _size(letter: _HasBody) -> int:
    return len(letter.body.encode()) + 2 * _LONGEST_DETAIL


def in_calls[Letter: _HasBody](letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Group letters by number and by bytes: a call has a limit on both."""
    chunk: list[Letter] = []
    size = 0
    for letter in letters:
        if chunk and (len(chunk) == MOST_ENTRIES or size + _size(letter) > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(letter)
        size += _size(letter)
    if chunk:
        yield chunk
