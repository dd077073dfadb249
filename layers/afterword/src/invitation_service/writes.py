"""Writing to DynamoDB in bulk and in transactions, and what its refusals mean."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from invitation_service.store import KeyTakenError, StoreBusyError, UnknownSurveyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestUnionTypeDef

ATTEMPTS = 6
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
# Its 16 MB hold 25 items of our size.
BATCH_ITEMS = 25

_BUSY = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
}
_BUSY_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


def pause_with_jitter(attempt: int) -> None:
    """Wait before a repetition: at most 0.1 s before the first, twice that before the next."""
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret.


@contextlib.contextmanager
def throttling_named() -> Iterator[None]:
    """Turn DynamoDB's throttling into StoreBusyError; not for the transaction itself."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY:
            raise StoreBusyError from error
        raise


class Writer:
    """Writes to one table.

    Args:
        client: The boto3 client.
        table_name: The table.
        pause: Waits before the given repetition (1, 2, …).
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, pause: Callable[[int], None]
    ) -> None:
        self._client = client
        self._table = table_name
        self._pause = pause

    def _attempts(self) -> Iterator[int]:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(attempt)
            yield attempt

    def write(self, requests: "Sequence[WriteRequestUnionTypeDef]") -> None:
        """Put or delete items, unconditionally and in bulk.

        Raises:
            StoreBusyError: DynamoDB kept handing some of them back.
        """
        for batch in batched(requests, BATCH_ITEMS, strict=False):
            self._write_batch(batch)

    def _write_batch(self, left: "Sequence[WriteRequestUnionTypeDef]") -> None:
        for _ in self._attempts():
            answer = self._client.batch_write_item(RequestItems={self._table: left})
            left = answer["UnprocessedItems"].get(self._table, [])
            if not left:
                return
        raise StoreBusyError

    def commit(self, actions: "Sequence[TransactWriteItemTypeDef]", token: str) -> None:
        """Carry out the transaction that makes an invitation visible.

        Args:
            actions: The survey's count, the invitation, and the idempotency key if there is one,
                in this order.
            token: Makes the SDK's own repetition after a lost answer harmless.

        Raises:
            UnknownSurveyError: The first action's condition does not hold.
            KeyTakenError: The third action's condition does not hold.
            StoreBusyError: Contended or throttled for too long; nothing was done.
        """
        for _ in self._attempts():
            try:
                self._client.transact_write_items(TransactItems=actions, ClientRequestToken=token)
            except ClientError as error:
                _raise_unless_passing(error)
            else:
                return
        raise StoreBusyError


def _raise_unless_passing(error: ClientError) -> None:
    """Return if the transaction was certainly not carried out and may be tried again."""
    if error.response["Error"]["Code"] in _BUSY:
        # After a repetition, the first attempt may have gone through unheard.
        if error.response["ResponseMetadata"].get("RetryAttempts"):
            raise error
        return
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    match reasons:
        case ["ConditionalCheckFailed", *_]:
            raise UnknownSurveyError from error
        case [_, _, "ConditionalCheckFailed"]:
            raise KeyTakenError from error
    if not _BUSY_REASONS.intersection(reasons):
        raise error
