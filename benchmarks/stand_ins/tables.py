"""One table in memory: its items as JSON, its indexes in order, and what its reads and writes would be charged.

An item is kept as the bytes that an answer repeats: a read costs no encoding, and 1.5 million invitations, each with a
customer, take about 3 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

import orjson
from sortedcontainers import SortedList

from benchmarks.stand_ins.expressions import Item, Key, Values, number
from benchmarks.stand_ins.heat import Heat
from benchmarks.write_units import WRITE_UNIT, Index, index_units, item_size, own_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_LARGEST_ITEM = 400 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
LARGEST_PAGE = 1024 * 1024
# Behind every key that begins alike.
_LAST = "\U0010ffff"

type Sort = str | int | Decimal
# An index's hash and range, then the table's: so all are in order, and each is there once.
type Entry = tuple[Any, ...]
type Where = tuple[str, str]


class RequestError(Exception):
    """A request that DynamoDB would refuse.

    Args:
        code: The name of its error.
        message: What is wrong.
        more: What else stands in the answer.
    """

    def __init__(self, code: str, message: str, **more: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.more = more


def invalid(message: str) -> RequestError:
    """Return what DynamoDB says of a request that breaks its rules."""
    return RequestError("ValidationException", message)


@dataclass(frozen=True, slots=True)
class Page:
    """What a query went through: items, their bytes, and where the next page begins (None: there is none)."""

    items: list[Item]
    size: int
    next: Item | None


@dataclass(frozen=True, slots=True)
class Row:
    """An item as it is, and as bytes."""

    item: Item
    raw: bytes

    @classmethod
    def of(cls, item: Item) -> Self:
        """Encode an item."""
        # A copy: orjson's own bytes keep the four kilobytes of room that they were written in.
        return cls(item, bytes(memoryview(orjson.dumps(item))))

    def size(self) -> int:
        """Return its size, as `size_of` does."""
        return size_of(self.raw)


class Table:
    """A table.

    Args:
        definition: As CreateTable has it.

    Attributes:
        heat: How the writes of each index are spread.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = definition
        kinds = {
            each["AttributeName"]: each["AttributeType"]
            for each in definition["AttributeDefinitions"]
        }
        self.keys = _key_names(definition)
        if any(kinds[name] != "S" for name in self.keys):
            raise invalid("this stand-in's tables are keyed by strings")
        self.indexes = {
            each["IndexName"]: _index(each, self.keys)
            for each in definition.get("GlobalSecondaryIndexes", ())
        }
        self.heat = {name: Heat() for name in self.indexes}
        self._sorted: dict[str, SortedList[Entry]] = {name: SortedList() for name in self.indexes}
        self._partitions: dict[str, dict[str, bytes]] = {}

    def where(self, item: Item) -> Where:
        """Return an item's key."""
        try:
            found = [item[name]["S"] for name in self.keys]
        except KeyError:
            raise invalid("The provided key element does not match the schema") from None
        if not all(found):
            raise invalid("One or more parameter values are not valid: a key is an empty string")
        return found[0], found[1] if len(found) > 1 else ""

    def where_key(self, key: Item) -> Where:
        """Return a key that has to be nothing but a key."""
        if key.keys() != set(self.keys):
            raise invalid("The provided key element does not match the schema")
        return self.where(key)

    def raw(self, where: Where) -> bytes | None:
        """Return an item's bytes."""
        partition = self._partitions.get(where[0])
        return partition.get(where[1]) if partition else None

    def row(self, where: Where) -> Row | None:
        """Return an item."""
        raw = self.raw(where)
        return None if raw is None else Row(orjson.loads(raw), raw)

    def check(self, row: Row) -> None:
        """Refuse an item that is too large, or whose index key is of the wrong type."""
        if len(row.raw) > _LARGEST_ITEM and item_size(row.item) > _LARGEST_ITEM:
            raise invalid("Item size has exceeded the maximum allowed size")

    def write(self, where: Where, old: Row | None, new: Row | None) -> None:
        """Put an item in the place of another, in the indexes, too. None: there is none."""
        pk, sk = where
        if new is None:
            if old is not None:
                del self._partitions[pk][sk]
                if not self._partitions[pk]:
                    del self._partitions[pk]
        else:
            self._partitions.setdefault(pk, {})[sk] = new.raw
        for name, index in self.indexes.items():
            before, after = (_entry(index, each, where) for each in (old, new))
            if before != after:
                if before:
                    self._sorted[name].remove(before)
                    self.heat[name].note(before[0])
                if after:
                    self._sorted[name].add(after)
                    self.heat[name].note(after[0])

    def write_units(self, old: Row | None, new: Row | None, *, transactional: bool) -> int:
        """Return what this write is charged."""
        largest = max(each.size() if each else 0 for each in (old, new))
        before, after = old.item if old else None, new.item if new else None
        return own_units(largest, transactional=transactional) + sum(
            index_units(index, before, after) for index in self.indexes.values()
        )

    def query(  # noqa: PLR0913 -- a query's parameters
        self,
        key: Key,
        names: Mapping[str, str],
        values: Values,
        *,
        index: str | None,
        limit: int | None,
        after: Item | None,
        forward: bool,
    ) -> Page:
        """Go through the items of a partition, in order, up to `limit` or a megabyte.

        Raises:
            RequestError: There is no such index, or its key is another one.
        """
        partition, low, high = self._bounds(key, names, values, index)
        entries = self._entries(partition, index)
        first, end = entries.bisect_left(low), entries.bisect_left(high)
        if after is not None:
            last = self._entry_of(after, index)
            if forward:
                first = max(first, entries.bisect_right(last))
            else:
                end = min(end, entries.bisect_left(last))
        found: list[Item] = []
        size = 0
        steps = entries.islice(first, max(first, end), reverse=not forward)
        for entry in steps:
            item = self._projected(entry, index)
            found.append(item)
            size += item_size(item)
            if size > LARGEST_PAGE or len(found) == limit:
                # DynamoDB, too, says that there may be more where there is none.
                return Page(found, size, self._key_of(item, index))
        return Page(found, size, None)

    def firsts(self, index: str) -> Iterator[Entry]:
        """Return the first entry of each partition of an index."""
        entries, at = self._sorted[index], 0
        while at < len(entries):
            yield entries[at]
            at = entries.bisect_left((entries[at][0] + "\0",))

    def __len__(self) -> int:
        """Return how many items there are."""
        return sum(map(len, self._partitions.values()))

    def raws(self, start: int, count: int) -> Iterator[bytes]:
        """Return some of all items' bytes, in the order of their first writing."""
        everything = chain.from_iterable(each.values() for each in self._partitions.values())
        return islice(everything, start, start + count)

    def _bounds(
        self, key: Key, names: Mapping[str, str], values: Values, index: str | None
    ) -> tuple[str, Entry, Entry]:
        hash_name, *range_name = self._schema(index)
        sort = names.get(key.sort, key.sort) if key.sort else None
        if names.get(key.partition, key.partition) != hash_name or [sort] not in (
            [None],
            range_name,
        ):
            raise invalid("Query condition missed key schema element")
        partition = values[key.value]["S"]
        bounds = [_sort(values[alias]) for alias in key.bounds]
        return partition, *_range(partition, key.compared, bounds)

    def _schema(self, index: str | None) -> tuple[str, ...]:
        if index is None:
            return self.keys
        if index not in self.indexes:
            raise invalid(f"The table does not have the specified index: {index}")
        return self.indexes[index].keys

    def _entries(self, partition: str, index: str | None) -> SortedList[Entry]:
        if index is not None:
            return self._sorted[index]
        return SortedList(
            (partition, sk, partition, sk) for sk in self._partitions.get(partition, ())
        )

    def _entry_of(self, key: Item, index: str | None) -> Entry:
        where = self.where(key)
        if index is None:
            return (*where, *where)
        return (*(_sort(key[name]) for name in self.indexes[index].keys), *where)

    def _projected(self, entry: Entry, index: str | None) -> Item:
        found = self.row((entry[-2], entry[-1]))
        item: Item = found.item if found else {}
        if index is None:
            return item
        projected = self.indexes[index].project(item) or {}
        return {name: item[name] for name in projected}

    def _key_of(self, item: Item, index: str | None) -> Item:
        names = {*self.keys, *self._schema(index)}
        return {name: item[name] for name in names}


def size_of(raw: bytes | None) -> int:
    """Return an item's size; of one that takes a single unit it may be a little more. 0: there is none."""
    # As JSON an item is never smaller: what fits into a unit needs no measuring.
    if raw is None or len(raw) <= WRITE_UNIT:
        return len(raw or b"")
    return item_size(orjson.loads(raw))


def _key_names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    schema = sorted(definition["KeySchema"], key=lambda each: str(each["KeyType"]))
    return tuple(each["AttributeName"] for each in schema)  # HASH comes before RANGE.


def _index(definition: Mapping[str, Any], table: tuple[str, ...]) -> Index:
    keys, projection = _key_names(definition), definition["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(definition["IndexName"], keys)
    more = projection.get("NonKeyAttributes", ())
    return Index(definition["IndexName"], keys, frozenset({*keys, *table, *more}))


def _sort(value: Mapping[str, Any]) -> Sort:
    ((kind, content),) = value.items()
    if kind not in {"S", "N"}:
        raise invalid("this stand-in's index keys are strings and numbers")
    return number(content) if kind == "N" else content


def _entry(index: Index, row: Row | None, where: Where) -> Entry | None:
    if row is None or any(name not in row.item for name in index.keys):
        return None
    return (*(_sort(row.item[name]) for name in index.keys), *where)


def _range(partition: str, how: str | None, bounds: list[Sort]) -> tuple[Entry, Entry]:
    """Return the first entry that is in, and the first one that is not any more."""
    begin: Entry = (partition,)
    end: Entry = (partition + "\0",)
    if how is None:
        return begin, end
    value = bounds[0]
    at, behind = (partition, value), (partition, value, _LAST)
    return {
        "=": (at, behind),
        "<": (begin, at),
        "<=": (begin, behind),
        ">": (behind, end),
        ">=": (at, end),
        "BETWEEN": (at, (partition, bounds[-1], _LAST)),
        "begins_with": (at, (partition, f"{value}{_LAST}")),
    }[how]
