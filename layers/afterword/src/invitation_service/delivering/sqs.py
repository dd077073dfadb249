"""The delivery queue on SQS.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from invitation_service.delivering.messages import Message
from invitation_service.delivering.records import Job

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_MESSAGES_AT_ONCE = 10


class QueueError(Exception):
    """The queue did not take a message."""


class SqsQueue:
    """Takes messages; see `Queue`.

    Args:
        client: Makes the boto3 client, at the first message.
        url: The queue's URL.
    """

    def __init__(self, client: "Callable[[], SQSClient]", url: str) -> None:
        self._make_client = client
        self._url = url

    @cached_property
    def _client(self) -> "SQSClient":
        return self._make_client()

    def send(self, messages: Sequence[Message]) -> None:
        """See `Queue.send`.

        Raises:
            QueueError: SQS refused some of them.
        """
        for some in batched(messages, _MESSAGES_AT_ONCE, strict=False):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": each.text()} for number, each in enumerate(some)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                raise QueueError


def teller(queue: SqsQueue, logger: Logger) -> Callable[[Job], None]:
    """Return what tells of a new invitation. If it can't, the sweep finds it two minutes later."""

    def tell(job: Job) -> None:
        try:
            queue.send([Message.about(job)])
        except (BotoCoreError, ClientError, QueueError) as error:
            name = type(error).__name__
            logger.warning("queue unusable, the sweep will do", error_type=name)

    return tell
