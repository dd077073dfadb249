"""What a month costs: what was counted (benchmarks/counts.json) times AWS's list prices (benchmarks/prices.json)."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.costing.patterns import Counted, Pattern
from benchmarks.costing.prices import read_prices
from benchmarks.costing.standing import series, standing
from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.costing.prices import PriceList

type Rows = list[list[str]]

COUNTS = Path(__file__).with_name("counts.json")
DOCUMENT = ROOT / "docs" / "cost.md"
VOLUMES = (10**6, 10**8)
WINDOWS = (5, 30, 300)
MILLION = 10**6
# The column of each price.
COLUMNS: Mapping[str, str] = {
    "bus_event": "bus",
    "queue_request": "queue",
    "schedule": "schedules",
    "function_request": "functions",
    "function_gb_second": "functions",
    "write_unit": "writes",
    "rare_write_unit": "writes",
    "read_unit": "reads",
    "rare_read_unit": "reads",
    "table_gb": "kept",
    "rare_table_gb": "kept",
    "recovery_gb": "kept",
    "log_gb": "logs",
    "log_gb_kept": "logs",
}
HEAD = ["pattern", "batch", *dict.fromkeys(COLUMNS.values()), "together", "dearest"]
_PLACE = "(?<=<!-- make cost: {} -->\n).*?(?=<!-- end -->)"


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted: of each pattern by batch size, of the look after a call, of a sweep with nothing to do."""

    patterns: Mapping[str, Sequence[Counted]]
    look: float
    idle: Mapping[str, float]


def read_counts(path: Path = COUNTS) -> Counts:
    """Read what was counted."""
    found = json.loads(path.read_text(encoding="utf-8"))
    known = {
        name: [Counted(each.pop("batch"), each) for each in sizes]
        for name, sizes in found["patterns"].items()
    }
    return Counts(known, found["look after"], found["idle sweep"])


def patterns(counts: Counts) -> Iterator[Pattern]:
    """Yield what is compared."""
    # The reference remembers for a fortnight, without a way back. Its batches are full, which is to its advantage.
    usual, later = (
        Pattern(name, counts.patterns[name], passes, 14, window=None, memory=256, recovers=False)
        for name, passes in (("usual", 1), ("usual, follow-up", 2))
    )
    yield from (usual, later)
    yield replace(usual, name="usual, kept as long as ours", days=400, recovers=True)
    ours = [
        Pattern(name, counts.patterns[name], look=counts.look)
        for name in ("immediate", "immediate, kept", "immediate, capped", "follow-up")
    ]
    yield from ours
    for each in (ours[0], ours[-1]):
        yield replace(each, name=f"{each.name}, Standard-IA", rare=True)


def columns(bill: Mapping[str, float]) -> dict[str, float]:
    """Add a bill up by column.

    Raises:
        KeyError: A price has no column.
    """
    found = dict.fromkeys(COLUMNS.values(), 0.0)
    for name, usd in bill.items():
        found[COLUMNS[name]] += usd
    return found


def dearest(found: Mapping[str, float]) -> str:
    """Name the dearest column, and its share of all."""
    name = max(found, key=lambda each: found[each])
    return f"{name}, {found[name] / sum(found.values()):.0%}"


def per_million(pattern: Pattern, events: float, prices: PriceList) -> list[str]:
    """Return a pattern's row: US dollars for a million events, if there are so many a month."""
    bill = prices.bill(pattern.amounts(events))
    found = columns({name: usd / events * MILLION for name, usd in bill.items()})
    cells = [f"{usd:.2f}" for usd in (*found.values(), sum(found.values()))]
    return [pattern.name, f"{pattern.batch(events):,.0f}", *cells, dearest(found)]


def tables(counts: Counts, prices: PriceList) -> Iterator[tuple[str, list[str], Rows]]:
    """Yield each table: its name, its head, its rows."""
    for events in VOLUMES:
        rows = [per_million(each, events, prices) for each in patterns(counts)]
        yield f"{events:,} events a month", HEAD, rows
    yield "months", *_months(counts, prices)
    yield "windows", *_windows(counts, prices)
    yield "nothing", *_nothing(counts, prices)
    yield "prices", *_prices(prices)


def _months(counts: Counts, prices: PriceList) -> tuple[list[str], Rows]:
    rows = []
    for events, pattern in product(VOLUMES, patterns(counts)):
        parts = [pattern.amounts(events)]
        if pattern.look:
            always = standing(counts.idle)
            parts += [always, {"metric": series() - always["metric"]}]
        found = Counter[str]()
        for each in parts:
            found.update(each)
        bills = [prices.bill(each) for each in (parts[0], found)]
        sums = [sum(bill.values()) for bill in (*bills, prices.bill(found, less_free=True))]
        row = [sums[0], sums[1] - sums[0], *sums[1:]]
        rows.append([f"{events:,}", pattern.name, *(f"{usd:,.2f}" for usd in row)])
    head = ["events", "pattern", "for them", "standing, metrics", "together", "above what is free"]
    return head, rows


def _windows(counts: Counts, prices: PriceList) -> tuple[list[str], Rows]:
    rows = []
    for window in WINDOWS:
        row = [str(window)]
        for events in VOLUMES:
            gathered = Pattern("", counts.patterns["immediate"], window=window, look=counts.look)
            found = per_million(gathered, events, prices)
            row += [found[1], found[-2]]
        rows.append(row)
    head = [f"{what} at {events:,} a month" for events in VOLUMES for what in ("batch", "$")]
    return ["window, s", *head], rows


def _nothing(counts: Counts, prices: PriceList) -> tuple[list[str], Rows]:
    found = standing(counts.idle)
    bills = [prices.bill(found, less_free=free) for free in (False, True)]
    rows = [
        [prices.prices[name].what, f"{amount:,.3g}" if amount < 1 else f"{amount:,.0f}"]
        + [f"{bill[name]:.2f}" for bill in bills]
        for name, amount in found.items()
    ]
    sums = [f"{sum(bill.values()):.2f}" for bill in bills]
    return ["what", "a month", "$", "$ above what is free"], [*rows, ["together", "", *sums]]


def _prices(prices: PriceList) -> tuple[list[str], Rows]:
    rows = [
        [
            each.what,
            f"{each.usd:g}" + (f" for {each.per:,}" if each.per > 1 else ""),
            f"{each.free:,}",
            ", ".join(f"[{number}]({url})" for number, url in enumerate(each.sources, 1)),
        ]
        for each in prices.prices.values()
    ]
    return ["what", "$", "free each month", "seen at"], rows


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table for the documentation."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def put(text: str, name: str, table: str) -> str:
    """Put a table between its marks.

    Raises:
        ValueError: The text has no such place.
    """
    place = _PLACE.format(re.escape(name))
    # An empty place would match twice.
    found, times = re.subn(place, lambda _: table, text, count=1, flags=re.DOTALL)
    if not times:
        raise ValueError(f"docs/cost.md has no place for: {name}")
    return found


def main(
    count: Annotated[bool, typer.Option(help="Count anew first, which takes a minute.")] = False,  # noqa: FBT002 -- typer's way
) -> None:
    """Show the tables, and write them into docs/cost.md."""
    if count:
        from benchmarks.costing.counting import count_all  # noqa: PLC0415 -- it starts processes

        COUNTS.write_text(json.dumps(count_all(), indent=2) + "\n", encoding="utf-8")
    console = Console()
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, head, rows in tables(read_counts(), read_prices()):
        shown = Table(*head, title=name)
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
        text = put(text, name, markdown(head, rows))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
