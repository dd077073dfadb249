from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from afterword.deciding.campaigns import LIFETIME
from afterword.telling.metrics import METRICS
from benchmarks import cost
from benchmarks.costing.counting import CAMPAIGNS, indexes, kept, looked_after, subjects
from benchmarks.costing.patterns import GB, MONTH, Counted, Pattern, between
from benchmarks.costing.prices import PRICES, Price, PriceList, read_prices
from benchmarks.costing.standing import SMALL_SHOP, series, standing, watched
from benchmarks.write_units import Index

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "write_units",
    "read_units",
    "database_calls",
    "provider_calls",
    "schedules",
    "cpu_seconds",
    "printed_bytes",
    "table_bytes",
    "index_bytes",
)
IDLE = {"read_units": 10, "database_calls": 20, "cpu_seconds": 0.01, "printed_bytes": 1000}


def counted(batch: float, **each: float) -> Counted:
    return Counted(batch, dict.fromkeys(NAMES, 0.0) | each)


def pattern(*sizes: Counted, **changes: Any) -> Pattern:
    return Pattern("ours", sizes or (counted(1000),), **changes)


def price(usd: float, per: float = 1, free: float = 0) -> Price:
    return Price(usd, per, free, "", ())


# Prices.


def test_a_price_is_charged_for_what_is_above_the_free_amount_only_where_that_is_wanted() -> None:
    of_a_million = price(0.40, 1_000_000, free=1_000_000)
    assert of_a_million.of(3_000_000) == pytest.approx(1.20)
    assert of_a_million.of(3_000_000, less_free=True) == pytest.approx(0.80)
    assert of_a_million.of(1000, less_free=True) == 0


def test_a_bill_has_the_cost_of_each_amount_and_knows_no_price_that_is_not_listed() -> None:
    prices = PriceList("somewhere", "2026-11-22", {"write_unit": price(2, 10)})
    assert prices.bill({"write_unit": 30}) == {"write_unit": pytest.approx(6)}
    with pytest.raises(KeyError, match="scheme"):
        prices.bill({"scheme": 1})


def test_every_price_has_a_date_and_two_pages_that_say_so() -> None:
    found = read_prices()
    assert date.fromisoformat(found.read) <= date.fromisoformat("2026-11-22")
    assert len(found.prices) >= 15
    for each in found.prices.values():
        assert each.usd > 0
        assert len(set(each.sources)) == 2
        assert {urlsplit(url).scheme for url in each.sources} == {"https"}


def test_what_transactions_and_the_rare_class_cost_beside_each_other_is_as_aws_has_it() -> None:
    """A slip in a figure of the list would hide in the sums."""
    prices = read_prices().prices
    assert prices["write_unit"].of(1) == pytest.approx(5 * prices["read_unit"].of(1))
    assert prices["rare_table_gb"].usd < prices["table_gb"].usd
    assert prices["rare_write_unit"].usd > prices["write_unit"].usd


# Batches of other sizes.


def test_a_size_that_was_counted_is_as_it_was_counted() -> None:
    sizes = [counted(10, write_units=5), counted(1000, write_units=2)]
    assert between(sizes, 10)["write_units"] == pytest.approx(5)
    assert between(sizes, 1000)["write_units"] == pytest.approx(2)


def test_what_a_batch_takes_for_itself_is_shared_by_its_events() -> None:
    """20 units a batch and 2 an event."""
    sizes = [counted(size, write_units=20 / size + 2) for size in (100, 10, 1000)]
    for size in (1, 4, 20, 50, 400, 2000):
        assert between(sizes, size)["write_units"] == pytest.approx(20 / size + 2)


def test_nothing_is_less_than_nothing() -> None:
    sizes = [counted(10, read_units=1), counted(100, read_units=0)]
    assert between(sizes, 1000)["read_units"] == 0


def test_of_one_size_nothing_more_is_known() -> None:
    assert between([counted(10, write_units=5)], 400)["write_units"] == 5


@pytest.mark.parametrize(
    ("a_second", "window", "batch"),
    [(100, 5, 100), (0.1, 5, 1), (100, 300, 1000), (100, None, 1000), (1, 50, 10)],
)
def test_each_of_five_pollers_gathers_for_the_window_and_no_more_than_fits(
    a_second: float, window: float | None, batch: float
) -> None:
    assert pattern(window=window).batch(a_second * MONTH) == pytest.approx(batch)


# Amounts.


def test_messages_are_sent_one_by_one_and_received_and_deleted_by_tens() -> None:
    full = pattern(window=None)
    assert full.amounts(1000)["queue_request"] == pytest.approx(1200)
    single = pattern(counted(1), window=None)
    assert single.amounts(1000)["queue_request"] == pytest.approx(3000)


def test_who_comes_twice_is_charged_twice_by_queue_and_function_but_once_by_the_bus() -> None:
    once, twice = (pattern(window=None, passes=number).amounts(10_000) for number in (1, 2))
    assert (once["function_request"], twice["function_request"]) == (10, 20)
    assert twice["queue_request"] == 2 * once["queue_request"]
    assert once["bus_event"] == twice["bus_event"] == 10_000


def test_a_function_is_charged_for_its_memory_as_long_as_it_works_and_waits() -> None:
    """10 ms on a whole processor are 20 ms on a half; two reads of 5 ms and a call of 50 ms are waited for."""
    busy = counted(1000, cpu_seconds=0.010, database_calls=2, provider_calls=1)
    half = pattern(busy, memory=1769 // 2).amounts(1000)
    assert half["function_gb_second"] == pytest.approx(1000 * 0.080 * 884 / 1024, rel=0.01)


def test_what_is_written_once_is_kept_as_long_as_it_is_remembered() -> None:
    each = counted(1000, table_bytes=600, index_bytes=400)
    found = pattern(each, days=365).amounts(GB)
    assert found["table_gb"] == pytest.approx(12 * 1000)
    # Indexes are built anew from the table.
    assert found["recovery_gb"] == pytest.approx(12 * 600)
    assert "recovery_gb" not in pattern(each, recovers=False).amounts(GB)


def test_each_call_is_looked_after_once() -> None:
    each = counted(1000, write_units=2, provider_calls=0.1)
    assert pattern(each, look=7).amounts(1000)["write_unit"] == pytest.approx(2000 + 700)
    assert pattern(each).amounts(1000)["write_unit"] == pytest.approx(2000)


def test_the_rare_class_has_prices_of_its_own_for_all_but_recovery() -> None:
    each = counted(1000, write_units=2, read_units=3, table_bytes=1)
    found = pattern(each, rare=True).amounts(1000)
    assert (found["rare_write_unit"], found["rare_read_unit"]) == (2000, 3000)
    assert not {"write_unit", "read_unit", "table_gb"} & found.keys()


def test_logs_have_what_was_printed_and_what_lambda_adds_to_each_invocation() -> None:
    found = pattern(counted(1000, printed_bytes=4.4), window=None).amounts(GB)
    assert found["log_gb"] == pytest.approx(4.4 + 0.6)
    assert found["log_gb_kept"] == found["log_gb"]


# Counting.


def test_an_item_is_kept_with_its_entries_and_what_dynamodb_adds_to_each() -> None:
    known = {"due": Index("due", ("lane", "due"), frozenset({"lane", "due", "pk"}))}
    waiting = {"pk": {"S": "1234"}, "lane": {"S": "12"}, "due": {"N": "12"}, "x": {"S": "123"}}
    done = {"pk": {"S": "1234"}}
    assert kept(iter([waiting, done]), known) == (100 + 6 + 6 + 5 + 4 + 100 + 6, 100 + 6 + 6 + 5)


def test_the_ledgers_indexes_are_those_of_the_template() -> None:
    assert indexes().keys() == {"due", "customer"}


def test_a_look_after_a_call_takes_the_batch_and_closes_it() -> None:
    """Twice a transaction of an item of less than a kilobyte; due later: out and in again; then out for good."""
    assert looked_after() == (2 + 2) + (2 + 1)


def test_each_pattern_of_ours_is_counted_in_batches_of_several_sizes() -> None:
    sizes: dict[str, list[int]] = {}
    for name, subject in subjects():
        sizes.setdefault(name, []).append(subject.batch)
    assert sizes.keys() == counts().patterns.keys()
    assert sizes["immediate"] == sizes["follow-up"] == [1, 10, 100, 1000]


# A month with nothing to do.


def test_a_sweep_each_minute_reads_and_prints_even_if_nothing_is_due() -> None:
    found = standing(IDLE)
    assert found["schedule"] == found["function_request"] == 43_800
    assert found["read_unit"] == 438_000
    assert found["log_gb"] == pytest.approx(43_800 * 1600 / GB)
    assert found["function_gb_second"] == pytest.approx(43_800 * (0.0173 + 0.1), rel=0.01)


def test_five_pollers_look_into_an_empty_queue_three_times_a_minute() -> None:
    assert standing(IDLE)["queue_request"] == 5 * 3 * 43_800


def test_another_account_has_its_own_breaker_and_budget() -> None:
    assert standing(IDLE, accounts=3)["metric"] == standing(IDLE, accounts=1)["metric"] + 4


def test_a_metric_counts_alone_and_by_each_value_of_its_dimensions() -> None:
    more = series({**SMALL_SHOP, "source": SMALL_SHOP["source"] + 1})
    # EventsReceived alone is told by source.
    assert more == series() + 1
    assert series(dict.fromkeys(SMALL_SHOP, 0)) == len(METRICS)


def test_alarms_and_dashboards_are_those_of_the_template() -> None:
    """Without the invitation service, which brings its own."""
    found = standing(IDLE)
    assert found["composite_alarm"] == found["dashboard"] == 1
    assert 10 < found["alarm_metric"] < 31


# Tables.


def test_every_price_that_a_pattern_needs_has_a_column_and_none_is_left_over() -> None:
    each = counted(1000)
    needed = pattern(each).amounts(1).keys() | pattern(each, rare=True).amounts(1).keys()
    assert needed == cost.COLUMNS.keys()
    assert needed | standing(IDLE).keys() == read_prices().prices.keys()


def test_a_row_says_what_a_million_events_cost_and_what_dominates() -> None:
    prices = read_prices()
    row = cost.per_million(pattern(counted(1000, write_units=8), window=None), 10**8, prices)
    found = dict(zip(cost.HEAD, row, strict=True))
    assert found["bus"] == "1.00"
    assert found["writes"] == "5.00"
    assert found["queue"] == "0.48"
    assert found["together"] == f"{1 + 5 + 0.48 + 0.00:.2f}"
    assert found["dearest"] == "writes, 77%"


def counts() -> cost.Counts:
    names = ("usual", "usual, follow-up", *CAMPAIGNS)
    sizes = [counted(10, write_units=4), counted(1000, write_units=2)]
    return cost.Counts(dict.fromkeys(names, sizes), 7, IDLE)


def test_each_table_has_as_many_cells_in_a_row_as_its_head() -> None:
    found = list(cost.tables(counts(), read_prices()))
    assert len(found) == len(cost.VOLUMES) + 4
    for _, head, rows in found:
        assert rows
        assert {len(row) for row in rows} == {len(head)}


def test_the_reference_has_full_batches_and_forgets_unless_it_is_to_remember_as_long() -> None:
    usual, later, kept_long, *ours = cost.patterns(counts())
    assert usual.batch(1) == later.batch(1) == 1000
    assert (usual.passes, later.passes) == (1, 2)
    assert not usual.recovers
    assert all(each.recovers and each.days == 400 for each in (kept_long, *ours))
    assert not usual.look
    assert all(each.look == 7 for each in ours)


def test_we_remember_for_as_long_as_the_ledger_does() -> None:
    assert pattern().days == LIFETIME.days


def test_the_sum_of_a_month_with_nothing_to_do_is_less_where_something_is_free() -> None:
    *_, (_, _, rows), _ = cost.tables(counts(), read_prices())
    name, _, full, less = rows[-1]
    assert name == "together"
    assert 0 < float(less) < float(full)


def test_a_months_bill_is_what_its_events_cost_and_what_stands_there() -> None:
    found = {name: rows for name, _, rows in cost.tables(counts(), read_prices())}
    usual, *_, ours = found["months"][: len(found["months"]) // 2]
    assert usual[3] == "0.00"
    _, _, events, always, together, less = (
        float(cell.replace(",", "0")) if cell[0].isdigit() else 0 for cell in ours
    )
    assert 0 < less < together == pytest.approx(events + always, abs=0.02)
    assert always > float(found["nothing"][-1][2])


def test_an_alarm_is_charged_for_each_metric_of_its_formula() -> None:
    formula = [{"Id": "share", "Expression": "a / b"}, {"MetricStat": {}}, {"MetricStat": {}}]
    assert watched({"Metrics": formula}) == 2
    assert watched({"MetricName": "Errors"}) == 1


def test_what_was_counted_is_read_by_pattern_and_size(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    sizes = [{"batch": 10, "write_units": 3}, {"batch": 100, "write_units": 2}]
    told = {"patterns": {"usual": sizes}, "look after": 7, "idle sweep": IDLE}
    path.write_text(json.dumps(told))
    known = [Counted(10, {"write_units": 3}), Counted(100, {"write_units": 2})]
    assert cost.read_counts(path) == cost.Counts({"usual": known}, 7, IDLE)


def test_a_table_is_put_between_its_own_marks_alone() -> None:
    text = "a\n<!-- make cost: x -->\nold\n<!-- end -->\nb\n<!-- make cost: y -->\n<!-- end -->\n"
    put = cost.put(text, "x", "new\n")
    assert put == text.replace("old", "new")
    assert cost.put(put, "x", "new\n") == put
    assert cost.put(text, "y", "new\n") == text[: -len("<!-- end -->\n")] + "new\n<!-- end -->\n"
    with pytest.raises(ValueError, match="has no place for: z"):
        cost.put(text, "z", "new\n")


def test_a_table_is_written_as_markdown() -> None:
    assert cost.markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_the_page_is_as_the_script_would_write_it() -> None:
    """A price, a count or the template changed: run `make cost`."""
    text = cost.DOCUMENT.read_text(encoding="utf-8")
    for name, head, rows in cost.tables(cost.read_counts(), read_prices()):
        assert cost.put(text, name, cost.markdown(head, rows)) == text, name


def test_the_page_dates_its_prices() -> None:
    assert json.loads(PRICES.read_text())["read"] in cost.DOCUMENT.read_text(encoding="utf-8")


def test_a_pattern_can_be_varied() -> None:
    assert replace(pattern(), window=30).batch(MONTH) == 6
