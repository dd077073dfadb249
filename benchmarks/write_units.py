"""What writes and reads of DynamoDB are charged for, by item sizes and by what changes in indexes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes

Items are in DynamoDB's typed JSON.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

type Item = Mapping[str, Mapping[str, Any]]

WRITE_UNIT = 1024
READ_UNIT = 4096
# A transaction prepares and commits: each costs what the plain operation costs.
_TRANSACTION = 2


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index.

    Attributes:
        name: Its name.
        keys: The attributes of its own key. An item without one of them is not in the index.
        projected: All attributes that it holds, the table's key among them; None: the whole item.
    """

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None = None

    def project(self, item: Item | None) -> Item | None:
        """Return what the index holds of an item; None if that is nothing."""
        if item is None or any(key not in item for key in self.keys):
            return None
        if self.projected is None:
            return item
        return {name: item[name] for name in self.projected if name in item}


def item_size(item: Item) -> int:
    """Return an item's size in bytes: the names and the values of its attributes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html#ItemSizeCalculations
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(
    old: Item | None,
    new: Item | None,
    indexes: Collection[Index] = (),
    *,
    transactional: bool = False,
) -> int:
    """Return the write units of one put, update or deletion, or of one whose condition failed.

    Args:
        old: The item before; None: there was none.
        new: The item after; None: there is none. Who refuses a write pays for what is there: pass `old`.
        indexes: The table's. They follow after a transaction, so theirs are never doubled:
            https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
        transactional: Whether the write stands in a TransactWriteItems.
    """
    largest = max(item_size(each) if each else 0 for each in (old, new))
    own = own_units(largest, transactional=transactional)
    return own + sum(index_units(each, old, new) for each in indexes)


def own_units(size: int, *, transactional: bool) -> int:
    """Return what a write is charged for the table alone; `size` of the larger of old and new item."""
    return units(size, WRITE_UNIT) * (_TRANSACTION if transactional else 1)


def index_units(index: Index, old: Item | None, new: Item | None) -> int:
    """Return what a write is charged for an index that follows."""
    before, after = index.project(old), index.project(new)
    if before == after:
        return 0
    costs = [units(item_size(each), WRITE_UNIT) for each in (before, after) if each is not None]
    if before and after and all(before[key] == after[key] for key in index.keys):
        return max(costs)
    # Under another key it is taken out at one place and put in at another.
    return sum(costs)


def read_units(size: int, *, consistent: bool, transactional: bool = False) -> float:
    """Return the read units of one item, or of one page of a query: half of them if it may be stale.

    Args:
        size: Bytes of the item, or of all items that the page went through; 0: nothing was found.
        consistent: Whether the read was strongly consistent.
        transactional: Whether it stands in a TransactGetItems.
    """
    whole = units(size, READ_UNIT)
    if transactional:
        return whole * _TRANSACTION
    return whole if consistent else whole / 2


def units(size: int, of: int) -> int:
    """Return how many units so many bytes take; nothing takes one, too."""
    return max(1, -(-size // of))


def _value_size(value: Mapping[str, Any]) -> int:  # noqa: PLR0911 -- a table, a line each
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "M":
            return 3 + len(content) + item_size(content)
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: each}) for each in content)
        case _:
            raise ValueError(f"not a type of DynamoDB's: {kind}")


def _number_size(text: str) -> int:
    """Return about a byte for two significant digits, and one more; one more again for a sign."""
    digits = text.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
    return 1 + -(-len(digits) // 2) + text.startswith("-")
