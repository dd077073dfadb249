"""Bulk reads and writes of one table, right under DynamoDB's partial answers."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import batched
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from afterword.remembering.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MOST_ACTIONS = 100
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MOST_READS = 100
_ATTEMPTS = 6
_PAGE = 500
_PASSING = {
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_wire(item: Item) -> dict[str, Any]:
    """Return an item in DynamoDB's typed form; what is None is left out."""
    return {name: _typed(value) for name, value in item.items() if value is not None}


def _typed(value: object) -> dict[str, Any]:
    # Nearly all are one of these two. boto3 asks a dozen questions of each, a tenth of what a bulk write costs.
    if type(value) is str:
        return {"S": value}
    if type(value) is int:
        return {"N": str(value)}
    return dict(_serialize(value))


def from_wire(item: dict[str, Any]) -> Item:
    """Return a plain item. Numbers come as Decimal."""
    return {name: _deserialize(value) for name, value in item.items()}


@dataclass(frozen=True, slots=True)
class Action:
    """One conditional action on one item. `values` are plain; `update` None: put `item`."""

    key: tuple[str, str]
    condition: str | None = None
    values: Item | None = None
    names: dict[str, str] | None = None
    update: str | None = None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Which action of a write failed its condition, and the item that it met (empty: there was none)."""

    action: int
    item: Item


class Table:
    """A DynamoDB table with bulk operations.

    Args:
        client: A boto3 client. Its own retries are safe: every write carries a `ClientRequestToken`.
        name: The table's name.
        pause: Waits so many seconds between repeats; tests pass one that does not.
        at_once: The most calls that a single write or read has in flight. A boto3 client may be shared by threads
            (https://docs.aws.amazon.com/boto3/latest/guide/clients.html), and keeps ten connections.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        pause: Callable[[float], None],
        at_once: int = 1,
    ) -> None:
        self._client = client
        self._name = name
        self._pause = pause
        self._at_once = at_once

    def write(self, writes: Sequence[Sequence[Action]], seed: str) -> list[Failure | None]:
        """Carry out writes in transactions of up to 100 actions; those of one write stand or fall together.

        Some transactions run at once, but not where an item stands in several writes: they come in their order.

        Args:
            writes: Each a sequence of actions on different items.
            seed: Names the operation: the same seed and writes within ten minutes are one and the same. DynamoDB
                refuses other writes under it.

        Returns:
            For each write None, or the condition that failed.

        Raises:
            LedgerError: DynamoDB is down, throttles for too long, or refuses the request. Writes may have been
                carried out, in any order.
        """
        failures: list[Failure | None] = [None] * len(writes)
        carry_out = partial(self._write_chunk, writes, failures, seed)
        list(_each(carry_out, list(_pack(writes)), at_once=1 if _meet(writes) else self._at_once))
        return failures

    def _write_chunk(
        self,
        writes: Sequence[Sequence[Action]],
        failures: list[Failure | None],
        seed: str,
        chunk: list[int],
    ) -> None:
        for attempt in range(_ATTEMPTS):
            actions = [action for index in chunk for action in writes[index]]
            reasons = self._transact(actions, _token(seed, chunk))
            if not reasons:
                return
            failed = _read_reasons(writes, chunk, reasons)
            for index, failure in failed.items():
                failures[index] = failure
            chunk = [index for index in chunk if index not in failed]
            if not chunk:
                return
            if not failed:
                self._back_off(attempt)
        raise LedgerError("the ledger is too busy: transactions kept conflicting")

    def _transact(self, actions: list[Action], token: str) -> list[dict[str, Any]]:
        items = [self._action(action) for action in actions]
        try:
            self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
        except self._client.exceptions.TransactionCanceledException as error:
            return [dict(each) for each in error.response["CancellationReasons"]]
        except (ClientError, BotoCoreError) as error:
            raise _ledger_error("write", error) from None
        return []

    def _action(self, action: Action) -> Any:  # noqa: ANN401 -- one of four typed dicts; boto3 validates it
        request: dict[str, Any] = {"TableName": self._name}
        if action.condition:
            request["ConditionExpression"] = action.condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if action.values:
            request["ExpressionAttributeValues"] = to_wire(action.values)
        if action.names:
            request["ExpressionAttributeNames"] = action.names
        pk, sk = action.key
        if action.update is None:
            request["Item"] = to_wire({"pk": pk, "sk": sk, **(action.item or {})})
            return {"Put": request}
        request |= {"Key": to_wire({"pk": pk, "sk": sk}), "UpdateExpression": action.update}
        return {"Update": request}

    def read(self, keys: Iterable[tuple[str, str]]) -> Iterator[Item]:
        """Read items by key, strongly consistent, 100 a call; unknown ones are left out.

        Raises:
            LedgerError: As `write`.
        """
        chunks = list(batched(dict.fromkeys(keys), MOST_READS, strict=False))
        for found in _each(self._read_chunk, chunks, self._at_once):
            yield from found

    def _read_chunk(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        found: list[Item] = []
        wanted: Any = [to_wire({"pk": pk, "sk": sk}) for pk, sk in keys]
        for attempt in range(_ATTEMPTS):
            answer = self._batch_get(wanted)
            found += map(from_wire, answer["Responses"].get(self._name, ()))
            wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys")
            if not wanted:
                return found
            self._back_off(attempt)
        raise LedgerError("the ledger is too busy: reads were left unprocessed")

    def _batch_get(self, keys: Any) -> Any:  # noqa: ANN401 -- DynamoDB's typed JSON
        try:
            return self._client.batch_get_item(
                RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}}
            )
        except (ClientError, BotoCoreError) as error:
            raise _ledger_error("read", error) from None

    def query(
        self, condition: str, values: Item, *, index: str | None = None, limit: int | None = None
    ) -> list[Item]:
        """Return up to `limit` items (None: all) of the table, strongly consistent, or of an index.

        Raises:
            LedgerError: As `write`.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_wire(values),
            # Without a size of its own a page has a megabyte, however few of it are wanted.
            "PaginationConfig": {"MaxItems": limit, "PageSize": limit},
        }
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        try:
            pages = self._client.get_paginator("query").paginate(**request)
            return [from_wire(item) for page in pages for item in page["Items"]]
        except (ClientError, BotoCoreError) as error:
            raise _ledger_error("query", error) from None

    def walk(
        self, condition: str, values: Item, index: str, page_size: int = _PAGE
    ) -> Iterator[list[Item]]:
        """Walk through an index, page by page, in the order of its sort key; what is written meanwhile may show.

        Raises:
            LedgerError: As `write`.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_wire(values),
            PaginationConfig={"PageSize": page_size},
        )
        try:
            for page in pages:
                yield [from_wire(item) for item in page["Items"]]
        except (ClientError, BotoCoreError) as error:
            raise _ledger_error("query", error) from None

    def scan(self, condition: str, values: Item, *names: str) -> Iterator[list[Item]]:
        """Walk through the whole table, page by page, and leave out what does not meet a condition.

        Args:
            condition: The names of attributes begin with `#` there.
            values: What it compares with.
            names: The attributes, without `#`.

        Raises:
            LedgerError: As `write`.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            FilterExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=to_wire(values),
        )
        try:
            for page in pages:
                yield [from_wire(item) for item in page["Items"]]
        except (ClientError, BotoCoreError) as error:
            raise _ledger_error("scan", error) from None

    def _back_off(self, attempt: int) -> None:
        # Full jitter, https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
        self._pause(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 -- jitter, no secret


def _pack(writes: Sequence[Sequence[Action]]) -> Iterator[list[int]]:
    """Group writes into transactions: at most 100 actions, and no item twice (DynamoDB refuses both)."""
    chunk: list[int] = []
    taken: set[tuple[str, str]] = set()
    for index, write in enumerate(writes):
        keys = {action.key for action in write}
        if chunk and (len(taken) + len(keys) > MOST_ACTIONS or taken & keys):
            yield chunk
            chunk, taken = [], set()
        chunk.append(index)
        taken |= keys
    if chunk:
        yield chunk


def _each[Chunk, Done](
    do: Callable[[Chunk], Done], chunks: Sequence[Chunk], at_once: int
) -> Iterator[Done]:
    """Do something with each chunk, some of them at once; yield what comes of each, in their order.

    What one of them raises is raised in its turn: then those that run are waited for, and no other begins.
    """
    at_once = min(at_once, len(chunks))
    if at_once < 2:  # noqa: PLR2004 -- a single one needs no thread
        yield from map(do, chunks)
        return
    with ThreadPoolExecutor(at_once, "ledger") as workers:
        yield from workers.map(do, chunks)


def _meet(writes: Sequence[Sequence[Action]]) -> bool:
    """Tell whether several actions are on one item."""
    keys = [action.key for write in writes for action in write]
    return len(set(keys)) < len(keys)


def _token(seed: str, chunk: list[int]) -> str:
    """Return a transaction's `ClientRequestToken`, of 36 characters: which of the operation's writes are in it."""
    return sha256(f"{seed}{chunk}".encode()).hexdigest()[:36]


def _read_reasons(
    writes: Sequence[Sequence[Action]], chunk: list[int], reasons: list[dict[str, Any]]
) -> dict[int, Failure]:
    failed: dict[int, Failure] = {}
    position = iter(reasons)
    for index in chunk:
        for number, _ in enumerate(writes[index]):
            reason = next(position)
            code = reason.get("Code", "None")
            if code == "ConditionalCheckFailed":
                failed.setdefault(index, Failure(number, from_wire(reason.get("Item") or {})))
            elif code not in {"None", *_PASSING}:
                raise LedgerError(f"the ledger refused a write: {code}")
    return failed


def _ledger_error(what: str, error: Exception) -> LedgerError:
    """Name the fault by its code: a message may repeat keys or values, so a traceback must not end with it either."""
    code = type(error).__name__
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", code)
    return LedgerError(f"the ledger failed to {what}: {code}")
