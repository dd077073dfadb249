"""What everything that is kept in the service's one table has in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import batched, chain, islice
from typing import TYPE_CHECKING, Any, Unpack

from botocore.exceptions import ClientError

from invitation_service.surveys.items import Item, Kept, account_key
from invitation_service.surveys.store import StoreBusyError
from invitation_service.writes import ATTEMPTS, Writer, throttling_named

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemInputTypeDef, UpdateItemOutputTypeDef

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_KEYS_AT_ONCE = 100


class Table:
    """Reads one table; `_writer` writes.

    Args:
        client: Makes the boto3 client, at the first call. Its own retries may be on.
        table_name: The table, with `pk`, `sk` and the TTL attribute `ttl`.
        pause: Waits before the given repetition (1, 2, …), longer each time and with jitter.
    """

    def __init__(
        self,
        client: "Callable[[], DynamoDBClient]",
        table_name: str,
        pause: Callable[[int], None],
    ) -> None:
        self._make_client = client
        self._table = table_name
        self._pause = pause

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return self._make_client()

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._client, self._table, self._pause)

    def _get(self, key: Item) -> Kept | None:
        with throttling_named():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _update(self, **change: "Unpack[UpdateItemInputTypeDef]") -> "UpdateItemOutputTypeDef":
        """Update an item; while a transaction is at it, wait: the SDK doesn't.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(attempt)
            try:
                with throttling_named():
                    return self._client.update_item(**change)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionConflictException":
                    raise
        raise StoreBusyError

    def _get_all(self, keys: Iterable[Item]) -> Iterator[Kept]:
        """Yield what lies under the keys, in no order; what is missing is left out."""
        for some in batched(keys, _KEYS_AT_ONCE, strict=False):
            yield from self._get_batch(list(some))

    def _get_batch(self, keys: list[Item]) -> Iterator[Kept]:
        wanted: Mapping[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(attempt)
            with throttling_named():
                answer = self._client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, ())
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return
        raise StoreBusyError

    def _stretch(
        self, pk: str, kind: str, *, offset: int, limit: int, where: Item | None = None
    ) -> list[Kept]:
        """Return some items of a partition, the highest key first; reads what it skips too.

        Args:
            pk: The partition.
            kind: What the sort keys begin with.
            offset: How many are skipped.
            limit: How many are returned at most.
            where: Attributes that they have, by name.
        """
        equal = [(f"#w{n}", f":w{n}", name) for n, name in enumerate(where or {})]
        named = {"ExpressionAttributeNames": {left: name for left, _, name in equal}}
        conditions = " AND ".join(f"{left} = {right}" for left, right, _ in equal)
        filtered: dict[str, Any] = {"FilterExpression": conditions, **named} if equal else {}
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
                ExpressionAttributeValues={
                    ":pk": {"S": pk},
                    ":kind": {"S": kind},
                    **{right: (where or {})[name] for _, right, name in equal},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                PaginationConfig={"MaxItems": offset + limit},
                **filtered,
            )
            found = chain.from_iterable(page["Items"] for page in pages)
            return list(islice(found, offset, offset + limit))

    def _next_id(self, account: str, kind: str) -> int:
        return self._reserve_ids(account, kind, 1)[0]

    def _reserve_ids(self, account: str, kind: str, count: int) -> range:
        """Return as many ids as are wanted: none of them is given to anybody else."""
        # A repetition by the SDK may count twice: a gap, never the same id twice.
        with throttling_named():
            answer = self._client.update_item(
                TableName=self._table,
                Key=account_key(account, f"N#{kind}"),
                UpdateExpression="ADD last_id :count",
                ExpressionAttributeValues={":count": {"N": str(count)}},
                ReturnValues="UPDATED_NEW",
            )
        last = int(answer["Attributes"]["last_id"]["N"])
        return range(last - count + 1, last + 1)
