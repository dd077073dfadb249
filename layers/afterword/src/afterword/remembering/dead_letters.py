"""Dead letters: what can't be read goes to the dead-letter queue at once, with its reason and its original body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_MOST_ENTRIES = 10
_MOST_BYTES = 1_048_576
_LONGEST_DETAIL = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody can read: its id and queue, its body, why, and when it was sent (Unix milliseconds)."""

    message_id: str
    queue: str
    body: str
    reason: str
    detail: str
    sent_at: str

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
        for chunk in _chunks(letters):
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
        "detail": letter.detail[:_LONGEST_DETAIL],
        "message_id": letter.message_id,
        "queue": letter.queue,
        "sent_at": letter.sent_at,
    }
    return {
        "Id": number,
        "MessageBody": letter.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes.items()
            if value
        },
    }


def _size(letter: DeadLetter) -> int:
    return len(letter.body.encode()) + 2 * _LONGEST_DETAIL


def _chunks(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Group letters by number and by bytes: a call has a limit on both."""
    chunk: list[DeadLetter] = []
    size = 0
    for letter in letters:
        if chunk and (len(chunk) == _MOST_ENTRIES or size + _size(letter) > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(letter)
        size += _size(letter)
    if chunk:
        yield chunk
