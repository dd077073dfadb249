"""Respondents on their way into the ledger: compared with what it knows, written where that changes something."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING

from afterword.deciding.customer_key import customer_key
from afterword.remembering.ledger import LedgerError
from afterword.remembering.records import Customer, customer_ref
from cli.respondents.respondent import COLUMNS, RefusedError, read_respondent
from cli.respondents.rows import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from afterword.remembering.ledger import Ledger
    from cli.respondents.first_lines import FirstLines
    from cli.respondents.rows import Row
    from cli.respondents.source import Source

# Five reads and five transactions, at DynamoDB's hundred each.
BATCH = 500
_ROUNDS = 5


class Outcome(StrEnum):
    """What became of a respondent."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "as they were"
    NEWER = "left alone, for a newer event said otherwise"
    GONE = "left alone, for they do not want to be asked"


def read_customers(
    rows: Iterable[Row | Refused],
    source: Source,
    first_lines: FirstLines,
    refuse: Callable[[Refused], None],
) -> Iterator[Customer]:
    """Make customers of a file's rows.

    Args:
        rows: The rows.
        source: Whose they are.
        first_lines: Knows nothing yet.
        refuse: Takes what can't be taken, a second line about the same customer included.

    Yields:
        Customers, no key twice.
    """
    for row in rows:
        if isinstance(row, Refused):
            refuse(row)
            continue
        try:
            told = read_respondent(row.fields)
        except RefusedError as error:
            refuse(Refused(row.line, str(error)))
            continue
        key = customer_ref(source.shop, customer_key(told.email, source.secret))
        first = first_lines.note(key, row.line)
        if first == row.line:
            yield Customer(key, seen_at=source.as_of, **told.model_dump())
        else:
            refuse(Refused(row.line, f"email: line {first} has the same"))


def take_in(
    ledger: Ledger,
    customers: Iterable[Customer],
    now: Callable[[], int],
    *,
    dry_run: bool,
    progressed: Callable[[int], None],
) -> Counter[Outcome]:
    """Bring customers into the ledger, batch by batch.

    Args:
        ledger: The ledger.
        customers: No key twice.
        now: The wall time, Unix seconds.
        dry_run: Whether to compare only, and write nothing.
        progressed: Is told after each batch how many customers have been taken in.

    Returns:
        What became of how many.

    Raises:
        LedgerError: The batches before this one are in.
    """
    counts: Counter[Outcome] = Counter()
    for batch in batched(customers, BATCH, strict=False):
        counts += _take_in(ledger, batch, now, dry_run=dry_run)
        progressed(counts.total())
    return counts


def _take_in(
    ledger: Ledger, batch: Sequence[Customer], now: Callable[[], int], *, dry_run: bool
) -> Counter[Outcome]:
    outcomes: dict[str, Outcome] = {}
    known = ledger.read_customers([each.key for each in batch])
    left = list(batch)
    for _ in range(_ROUNDS):
        plans = {each.key: _plan(each, known.get(each.key)) for each in left}
        outcomes |= {key: outcome for key, (outcome, _) in plans.items()}
        writes = {key: change for key, (_, change) in plans.items() if change}
        met = {} if dry_run else ledger.remember_customers(list(writes.values()), now())
        # An event may have come in between reading and writing: then its word is compared once more.
        known = {key: was for key, was in met.items() if not _took(was, writes[key])}
        left = [each for each in left if each.key in known]
        if not left:
            return Counter(outcomes.values())
    raise LedgerError("the ledger is too busy: customers kept changing")


def _took(was: Customer, change: Customer) -> bool:
    return not was.suppressed and was.seen_at <= change.seen_at


def _plan(told: Customer, known: Customer | None) -> tuple[Outcome, Customer | None]:
    """Decide what becomes of a respondent, and what to write for it, if anything."""
    if known is None:
        return Outcome.NEW, told
    if known.suppressed:
        return Outcome.GONE, None
    values = {name: getattr(told, name) for name in COLUMNS}
    news = {
        name: value for name, value in values.items() if value not in {None, getattr(known, name)}
    }
    if known.seen_at <= told.seen_at:
        # Without news, too: the file says anew who this is, and keeps the record from growing old.
        is_newer = known.seen_at < told.seen_at
        return (Outcome.CHANGED, told) if news else (Outcome.SAME, told if is_newer else None)
    # What a newer event said stays; what it did not say, the file may add. Mostly that is the token.
    gaps = {name: value for name, value in news.items() if getattr(known, name) is None}
    if gaps:
        return Outcome.CHANGED, Customer(told.key, seen_at=known.seen_at, **gaps)
    return (Outcome.NEWER if news else Outcome.SAME), None
