"""Counts what each pattern takes, in batches of some sizes, on the stand-ins of `make bench`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from afterword.remembering.dynamodb.items import batch_item, batch_key
from afterword.remembering.dynamodb.table import to_wire
from afterword.remembering.records import Batch, BatchState
from benchmarks.compare.bench import LOG, runners
from benchmarks.compare.subjects import Subject
from benchmarks.stand_ins.tables import Table
from benchmarks.write_units import item_size, write_units
from local.drill.template import Resolver, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.compare.bench import Runner
    from benchmarks.compare.subjects import Kind
    from benchmarks.stand_ins.processes import StandIn
    from benchmarks.write_units import Index, Item

# DynamoDB adds so many bytes to an item, and to each of its entries in an index:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
OVERHEAD = 100
# What the campaigns of each of our patterns say.
CAMPAIGNS: Mapping[str, dict[str, Any]] = {
    "immediate": {},
    "immediate, kept": {"keep_address": "always"},
    "immediate, capped": {"contact_cap": {"period": "P30D", "when_capped": "defer"}},
    "follow-up": {"delay": "P30D"},
}
# Batches, and how many events a round has. A minute of follow-ups is sent together: about forty batches.
SIZES = {1: 20, 10: 200, 100: 1000, 1000: 2000}
MINUTES = {1: 20, 10: 400, 100: 4000, 1000: 10_000}
_PAGE = 1000


def subjects() -> Iterator[tuple[str, Subject]]:
    """Yield what is counted, by the name of its pattern."""
    yield "usual", Subject("cost usual", "usual", 10, 100)
    yield "usual, follow-up", Subject("cost usual later", "usual follow-up", 10, 100)
    for name, campaign in CAMPAIGNS.items():
        later = "delay" in campaign
        for batch, events in (MINUTES if later else SIZES).items():
            kind: Kind = "our follow-up" if later else "ours"
            yield name, Subject(f"cost {name} {batch}", kind, batch, events, campaign=campaign)


def count_all() -> dict[str, Any]:
    """Count everything.

    Raises:
        LocalError: A function failed.
    """
    patterns: dict[str, list[dict[str, float]]] = {}
    chosen = list(subjects())
    with runners([subject for _, subject in chosen], 1) as started:
        for name, subject in chosen:
            runner = started[subject.name]
            patterns.setdefault(name, []).append(_count(subject, runner))
        idle = _count_idle(started["cost follow-up 1"])
    return {
        "counted": datetime.now(UTC).date().isoformat(),
        "patterns": patterns,
        "look after": looked_after(),
        "idle sweep": idle,
    }


def _count(subject: Subject, runner: Runner) -> dict[str, float]:
    aws = runner.stand_ins.aws
    table = "idempotency" if subject.kind.startswith("usual") else subject.key
    printed, before = LOG.stat().st_size, kept(items(aws, table), indexes())
    found = runner.round()
    after = kept(items(aws, table), indexes())
    total = {
        "write_units": found.write_units,
        "read_units": found.read_units,
        "database_calls": found.database.total(),
        "provider_calls": found.provider,
        "schedules": found.others["Scheduler CreateSchedule"],
        "cpu_seconds": found.cpu,
        "printed_bytes": LOG.stat().st_size - printed,
        "table_bytes": after[0] - before[0],
        "index_bytes": after[1] - before[1],
    }
    each = {name: round(float(value) / found.events, 6) for name, value in total.items()}
    return {"batch": subject.batch} | each


def _count_idle(runner: Runner) -> dict[str, float]:
    """Count one sweep with nothing to do."""
    sweep = runner.instances["send_due_invitations"]
    sweep.invoke({})
    printed, before = LOG.stat().st_size, runner.stand_ins.books()
    taken = sweep.invoke({})
    after = runner.stand_ins.books()
    return {
        name: sum(after.aws[book].values()) - sum(before.aws[book].values())
        for name, book in (("read_units", "read_units"), ("database_calls", "calls"))
    } | {"cpu_seconds": taken.cpu, "printed_bytes": LOG.stat().st_size - printed}


def looked_after() -> int:
    """Compute the write units of the look ten minutes after a call: its batch is taken, then closed.

    No round lasts so long.
    """
    made = Batch("0" * 26, "after-purchase", "shop", 1, 1000, 1_800_000_000, 1_800_000_610)
    sent = replace(made, state=BatchState.SENT, called_at=made.created_at, digest="0" * 64)
    taken, closed = replace(sent, due=1_800_001_010), replace(sent, due=None)
    known = indexes().values()
    return sum(
        write_units(_item(old), _item(new), known, transactional=True)
        for old, new in ((sent, taken), (taken, closed))
    )


def _item(batch: Batch) -> Item:
    pk, sk = batch_key(batch.id)
    return to_wire(batch_item(batch) | {"pk": pk, "sk": sk, "ttl": batch.created_at})


def items(aws: StandIn, table: str) -> Iterator[Item]:
    """Yield all items of a table."""
    for start in count(0, _PAGE):
        lines = aws.lines(f"items?table={table}&start={start}&count={_PAGE}").splitlines()
        yield from map(json.loads, lines)
        if len(lines) < _PAGE:
            return


def kept(found: Iterator[Item], known: Mapping[str, Index]) -> tuple[int, int]:
    """Return how many bytes items take in the table, and in its indexes."""
    table, index = 0, 0
    for item in found:
        table += item_size(item) + OVERHEAD
        entries = (each.project(item) for each in known.values())
        index += sum(item_size(entry) + OVERHEAD for entry in entries if entry is not None)
    return table, index


def indexes() -> Mapping[str, Index]:
    """Return the ledger's indexes, as the template has them."""
    document = read_document()
    return Table(Resolver(document).resources("AWS::DynamoDB::Table")["LedgerTable"]).indexes
