"""DynamoDB's operations on tables in memory, as far as the ledger and powertools' idempotency use them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html

A field of a request that is not known here is an error, never passed over. Secondary indexes are up to date at once.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.stand_ins import expressions
from benchmarks.stand_ins.expressions import ExpressionError, Item
from benchmarks.stand_ins.tables import RequestError, Row, Table, Where, invalid, size_of
from benchmarks.write_units import read_units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Request = Mapping[str, Any]
type Answer = dict[str, Any]

_MOST_ACTIONS = 100
_MOST_READS = 100
_MOST_PUTS = 25
_LARGEST_TRANSACTION = 4 * 1024 * 1024
_LARGEST_READ = 16 * 1024 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_TOKEN_SECONDS = 600
_ALIASES = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
_CONDITION = {"TableName", "ConditionExpression", "ReturnValuesOnConditionCheckFailure", *_ALIASES}
_PUT = _CONDITION | {"Item"}
_UPDATE = _CONDITION | {"Key", "UpdateExpression"}
_DELETE = _CONDITION | {"Key"}
_KNOWN = {
    "CreateTable": {
        "TableName",
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "BillingMode",
    },
    "DescribeTable": {"TableName"},
    "PutItem": _PUT | {"ReturnValues"},
    "UpdateItem": _UPDATE | {"ReturnValues"},
    "DeleteItem": _DELETE | {"ReturnValues"},
    "GetItem": {"TableName", "Key", "ConsistentRead"},
    "BatchGetItem": {"RequestItems"},
    "BatchWriteItem": {"RequestItems"},
    "Query": {
        "TableName",
        "IndexName",
        "KeyConditionExpression",
        "FilterExpression",
        "Limit",
        "ExclusiveStartKey",
        "ScanIndexForward",
        "ConsistentRead",
        *_ALIASES,
    },
    "TransactWriteItems": {"TransactItems", "ClientRequestToken"},
}
_ACTIONS = {"Put": _PUT, "Update": _UPDATE, "Delete": _DELETE, "ConditionCheck": _DELETE}


@dataclass(slots=True)
class Counts:
    """What was asked and what it would be charged, by operation."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    read_units: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Write:
    """A write that has been looked at, not yet done."""

    table: Table
    where: Where
    old: Row | None
    new: Row | None
    failed: bool
    shows_old: bool


class DynamoDB:
    """All tables.

    Args:
        clock: Seconds, ever growing: how long tokens are remembered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tables: dict[str, Table] = {}
        self.counts = Counts()
        self._clock = clock
        self._tokens: dict[str, tuple[float, bytes]] = {}
        self._operations: dict[str, Callable[[Any], Answer]] = {
            "CreateTable": self._create_table,
            "DescribeTable": self._describe_table,
            "PutItem": lambda request: self._write_one("PutItem", "Put", request),
            "UpdateItem": lambda request: self._write_one("UpdateItem", "Update", request),
            "DeleteItem": lambda request: self._write_one("DeleteItem", "Delete", request),
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "Query": self._query,
            "TransactWriteItems": self._transact,
        }

    def answer(self, operation: str, body: bytes) -> Answer:
        """Carry out an operation.

        Args:
            operation: Its name in the API.
            body: The request as JSON.

        Returns:
            The answer; items in it may be JSON already.

        Raises:
            RequestError: DynamoDB would refuse the request, or this stand-in does not know what it asks for.
        """
        if operation not in self._operations:
            raise invalid(f"this stand-in has no {operation}")
        self.counts.calls[operation] += 1
        request = orjson.loads(body)
        _refuse_unknown(operation, request, _KNOWN[operation])
        try:
            return self._operations[operation](request)
        except ExpressionError as error:
            raise invalid(str(error)) from None

    def _create_table(self, request: Request) -> Answer:
        name = request["TableName"]
        if name in self.tables:
            raise RequestError("ResourceInUseException", f"Table already exists: {name}")
        self.tables[name] = Table(request)
        return {"TableDescription": {"TableName": name, "TableStatus": "ACTIVE"}}

    def _describe_table(self, request: Request) -> Answer:
        self._table(request)
        return {"Table": {"TableName": request["TableName"], "TableStatus": "ACTIVE"}}

    def _table(self, request: Request) -> Table:
        return self._named(request["TableName"])

    def _named(self, name: str) -> Table:
        if name not in self.tables:
            raise RequestError("ResourceNotFoundException", "Requested resource not found")
        return self.tables[name]

    # Writes.

    def _write_one(self, operation: str, kind: str, request: Request) -> Answer:
        write = self._look(kind, request)
        if write.failed:
            self._charge_write(operation, write, transactional=False)
            raise _condition_failed(write)
        self._do(operation, write, transactional=False)
        return _returned(request, write)

    def _transact(self, request: Request) -> Answer:
        wanted = request["TransactItems"]
        token, told = request.get("ClientRequestToken"), sha256(orjson.dumps(wanted)).digest()
        if token and self._is_repeated(token, told):
            return {}
        writes = self._look_at_all(wanted)
        if any(each.failed for each in writes):
            for each in writes:
                self._charge_write("TransactWriteItems", each, transactional=True)
            raise _cancelled([_reason(each) for each in writes])
        for each in writes:
            self._do("TransactWriteItems", each, transactional=True)
        if token:
            self._tokens[token] = (self._clock() + _TOKEN_SECONDS, told)
        return {}

    def _look_at_all(self, wanted: list[Any]) -> list[_Write]:
        if not 1 <= len(wanted) <= _MOST_ACTIONS:
            raise invalid(f"TransactItems: there should be 1 to {_MOST_ACTIONS}")
        writes = []
        for each in wanted:
            ((kind, action),) = each.items()
            if kind not in _ACTIONS:
                raise invalid(f"this stand-in's transactions have no {kind}")
            _refuse_unknown(kind, action, _ACTIONS[kind])
            writes.append(self._look(kind, action))
        if len({(id(each.table), each.where) for each in writes}) < len(writes):
            raise invalid("Transaction request cannot include multiple operations on one item")
        if sum(each.new.size() for each in writes if each.new) > _LARGEST_TRANSACTION:
            raise invalid("Transaction request exceeds 4 MB")
        return writes

    def _is_repeated(self, token: str, told: bytes) -> bool:
        while self._tokens:
            oldest = next(iter(self._tokens))
            if self._tokens[oldest][0] > self._clock():
                break
            del self._tokens[oldest]
        if token not in self._tokens:
            return False
        if self._tokens[token][1] != told:
            raise RequestError(
                "IdempotentParameterMismatchException", "the token stands for another request"
            )
        return True

    def _batch_write(self, request: Request) -> Answer:
        wanted = [
            (name, action)
            for name, actions in request["RequestItems"].items()
            for action in actions
        ]
        if not 1 <= len(wanted) <= _MOST_PUTS:
            raise invalid(f"RequestItems: there should be 1 to {_MOST_PUTS}")
        for name, action in wanted:
            ((kind, single),) = action.items()
            if kind not in {"PutRequest", "DeleteRequest"}:
                raise invalid(f"this stand-in's batches have no {kind}")
            write = self._look(kind.removesuffix("Request"), {"TableName": name, **single})
            self._do("BatchWriteItem", write, transactional=False)
        return {"UnprocessedItems": {}}

    def _look(self, kind: str, request: Request) -> _Write:
        table = self._table(request)
        changed: Item | None = request.get("Item")
        where = table.where(changed) if changed is not None else table.where_key(request["Key"])
        old = table.row(where)
        names, values = _aliases(request)
        used: set[str] = set()
        failed = False
        if text := request.get("ConditionExpression"):
            condition = expressions.condition(text)
            used |= condition.aliases
            _refuse_undefined(condition.aliases, names, values)
            failed = not condition.meaning(old.item if old else {}, names, values)
        new = None
        if kind == "Put":
            new = Row.of(changed or {})
        elif kind == "Update":
            update = expressions.update(request["UpdateExpression"])
            used |= update.aliases
            _refuse_undefined(update.aliases, names, values)
            if not failed:
                new = _updated(update.meaning, request["Key"], old, names, values)
        elif kind == "ConditionCheck":
            new = old
        _refuse_unused(used, names, values)
        if new is not None:
            table.check(new)
        shows_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return _Write(table, where, old, new, failed, shows_old)

    def _do(self, operation: str, write: _Write, *, transactional: bool) -> None:
        self._charge_write(operation, write, transactional=transactional)
        write.table.write(write.where, write.old, write.new)

    def _charge_write(self, operation: str, write: _Write, *, transactional: bool) -> None:
        # Who fails a condition pays for the item that is there; so does, here, who was cancelled with it.
        new = write.old if write.failed else write.new
        units = write.table.write_units(write.old, new, transactional=transactional)
        self.counts.write_units[operation] += units

    # Reads.

    def _get(self, request: Request) -> Answer:
        table = self._table(request)
        row = table.row(table.where_key(request["Key"]))
        consistent = request.get("ConsistentRead", False)
        self._charge_read("GetItem", row.size() if row else 0, consistent=consistent)
        return {"Item": orjson.Fragment(row.raw)} if row else {}

    def _batch_get(self, request: Request) -> Answer:
        found: dict[str, list[Any]] = {}
        left: dict[str, Any] = {}
        size = count = 0
        for name, wanted in request["RequestItems"].items():
            _refuse_unknown("BatchGetItem", wanted, {"Keys", "ConsistentRead"})
            table, consistent = self._named(name), wanted.get("ConsistentRead", False)
            keys = {table.where_key(key): key for key in wanted["Keys"]}
            if len(keys) < len(wanted["Keys"]):
                raise invalid("Provided list of item keys contains duplicates")
            count += len(keys)
            found[name] = []
            for where, key in keys.items():
                raw = table.raw(where)
                if size + len(raw or b"") > _LARGEST_READ:
                    left.setdefault(name, {**wanted, "Keys": []})["Keys"].append(key)
                    continue
                self._charge_read("BatchGetItem", size_of(raw), consistent=consistent)
                size += len(raw or b"")
                if raw is not None:
                    found[name].append(orjson.Fragment(raw))
        if not 1 <= count <= _MOST_READS:
            raise invalid(f"RequestItems: there should be 1 to {_MOST_READS} keys")
        return {"Responses": found, "UnprocessedKeys": left}

    def _query(self, request: Request) -> Answer:
        table, index = self._table(request), request.get("IndexName")
        names, values = _aliases(request)
        key = expressions.key_condition(request["KeyConditionExpression"])
        used = set(key.aliases)
        consistent = request.get("ConsistentRead", False)
        if index and consistent:
            raise invalid("Consistent reads are not supported on global secondary indexes")
        test = None
        if text := request.get("FilterExpression"):
            test = expressions.condition(text)
            used |= test.aliases
        _refuse_undefined(used, names, values)
        _refuse_unused(used, names, values)
        page = table.query(
            key.meaning,
            names,
            values,
            index=index,
            limit=request.get("Limit"),
            after=request.get("ExclusiveStartKey"),
            forward=request.get("ScanIndexForward", True),
        )
        self._charge_read("Query", page.size, consistent=consistent)
        items = page.items
        if test:
            items = [item for item in items if test.meaning(item, names, values)]
        answer = {"Items": items, "Count": len(items), "ScannedCount": len(page.items)}
        return answer | ({"LastEvaluatedKey": page.next} if page.next else {})

    def _charge_read(self, operation: str, size: int, *, consistent: bool) -> None:
        units = read_units(size, consistent=consistent)
        known = self.counts.read_units.get(operation, 0)
        self.counts.read_units[operation] = known + units


def cancelled_by_conflict(body: bytes) -> RequestError:
    """Return how a transaction is refused that met another one."""
    count = len(orjson.loads(body)["TransactItems"])
    conflict = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    return _cancelled([conflict, *[{"Code": "None"}] * (count - 1)])


def _cancelled(reasons: list[Answer]) -> RequestError:
    codes = ", ".join(each["Code"] for each in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return RequestError("TransactionCanceledException", message, CancellationReasons=reasons)


def _reason(write: _Write) -> Answer:
    if not write.failed:
        return {"Code": "None"}
    reason: Answer = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    return reason | (
        {"Item": orjson.Fragment(write.old.raw)} if _shown(write) and write.old else {}
    )


def _condition_failed(write: _Write) -> RequestError:
    more = {"Item": orjson.Fragment(write.old.raw)} if _shown(write) and write.old else {}
    return RequestError("ConditionalCheckFailedException", "The conditional request failed", **more)


def _shown(write: _Write) -> bool:
    return write.shows_old and write.old is not None


def _returned(request: Request, write: _Write) -> Answer:
    match request.get("ReturnValues", "NONE"):
        case "NONE":
            return {}
        case "ALL_OLD":
            return {"Attributes": orjson.Fragment(write.old.raw)} if write.old else {}
        case "ALL_NEW" if write.new:
            return {"Attributes": orjson.Fragment(write.new.raw)}
        case other:
            raise invalid(f"this stand-in returns no {other}")


def _updated(
    changes: tuple[expressions.Change, ...],
    key: Item,
    old: Row | None,
    names: Mapping[str, str],
    values: Mapping[str, Any],
) -> Row:
    before = old.item if old else {}
    after = dict(before or key)
    for change in changes:
        change(before, after, names, values)
    if any(after.get(name) != value for name, value in key.items()):
        raise invalid("Cannot update an attribute that is part of the key")
    return Row.of(after)


def _aliases(request: Request) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return (
        request.get("ExpressionAttributeNames", {}),
        request.get("ExpressionAttributeValues", {}),
    )


def _refuse_undefined(
    used: set[str] | frozenset[str], names: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    if missing := used - names.keys() - values.keys():
        raise invalid(f"an expression uses what is not defined: {', '.join(sorted(missing))}")


def _refuse_unused(used: set[str], names: Mapping[str, str], values: Mapping[str, Any]) -> None:
    if unused := (names.keys() | values.keys()) - used:
        raise invalid(f"unused in expressions: {', '.join(sorted(unused))}")


def _refuse_unknown(what: str, request: Request, known: set[str]) -> None:
    if unknown := request.keys() - known:
        raise invalid(f"this stand-in knows no {', '.join(sorted(unknown))} of {what}")
