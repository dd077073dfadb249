"""Writing to DynamoDB in bulk and in transactions, and what its refusals mean."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from invitation_service.surveys.store import StoreBusyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestUnionTypeDef

type Action = tuple[TransactWriteItemTypeDef, type[Exception] | None]


class _Named(TypedDict, total=False):
    ClientRequestToken: str


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

    def commit(self, actions: "Sequence[Action]", token: str | None = None) -> None:
        """Carry out a transaction.

        Args:
            actions: Each with the error that its failing condition means, the most telling first;
                None where it cannot fail.
            token: Makes a repetition after a lost answer harmless. Without one, the SDK takes one
                for its own repetitions.

        Raises:
            StoreBusyError: Contended or throttled for too long; nothing was done.
        """
        named: _Named = {"ClientRequestToken": token} if token else {}
        items = [item for item, _ in actions]
        for _ in self._attempts():
            try:
                self._client.transact_write_items(TransactItems=items, **named)
            except ClientError as error:
                _raise_unless_passing(error, [meaning for _, meaning in actions])
            else:
                return
        raise StoreBusyError


def _raise_unless_passing(error: ClientError, meanings: Sequence[type[Exception] | None]) -> None:
    """Return if the transaction was certainly not carried out and may be tried again."""
    if error.response["Error"]["Code"] in _BUSY:
        # After a repetition, the first attempt may have gone through unheard.
        if error.response["ResponseMetadata"].get("RetryAttempts"):
            raise error
        return
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    for reason, meaning in zip(reasons, meanings, strict=False):
        if meaning and reason == "ConditionalCheckFailed":
            raise meaning from error
    if not _BUSY_REASONS.intersection(reasons):
        raise error
