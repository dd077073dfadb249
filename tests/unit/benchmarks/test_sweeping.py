"""What `make bench-sweep` fills a ledger with, and how it describes what came of it."""

from __future__ import annotations

from dataclasses import replace

from afterword.remembering.dynamodb import items
from afterword.remembering.dynamodb.table import from_wire
from afterword.remembering.records import State
from benchmarks.compare.page import DOCUMENT, put
from benchmarks.sweeping.rows import Waiting, campaigns_item, shard_of
from benchmarks.sweeping.stage import Swept
from benchmarks.sweeping.table import HEAD, row
from tests.support.samples import NOW

SWEPT = Swept(
    sent=10,
    queries=37,
    reads=3,
    writes=2,
    read_units=40.5,
    write_units=60,
    seconds=2,
    peak=80 * 1024 * 1024,
    written=(24, 26, 25, 25),
    hottest=270,
)


def test_its_rows_are_those_that_the_ledger_writes_and_reads() -> None:
    invitation, customer = (from_wire(each) for each in Waiting("c", 1, NOW).items())
    found = items.parse_invitation(invitation)
    assert (found.state, found.due, found.key.campaign) == (State.PENDING, NOW, "c")
    known = items.invitation_item(found)
    assert {name: invitation[name] for name, value in known.items() if value is not None} == {
        name: value for name, value in known.items() if value is not None
    }
    assert items.parse_customer(customer).key == found.customer
    assert items.invitation_key(found.key) == (invitation["pk"], invitation["sk"])


def test_due_times_are_spread_as_told_and_customers_left_out() -> None:
    found = [from_wire(each) for each in Waiting("c", 4, NOW, spread=60, known=False).items()]
    assert [each["due"] for each in found] == [NOW, NOW + 15, NOW + 30, NOW + 45]


def test_a_shard_is_the_one_in_which_the_row_stands() -> None:
    found = [from_wire(each) for each in Waiting("c", 40, NOW, known=False).items()]
    assert {each["lane"] for each in found} == set(items.lanes("c"))
    assert [items.lanes("c")[shard_of(each["pk"], "c")] for each in found] == [
        each["lane"] for each in found
    ]


def test_all_campaigns_are_known() -> None:
    assert from_wire(campaigns_item(["a", "b"]))["names"] == {"a", "b"}


def test_a_row_of_the_table_has_medians_and_a_ratio_of_times() -> None:
    sweeps = [replace(SWEPT, seconds=each, queries=each) for each in (9, 4, 5)]
    found = dict(zip(HEAD, row("some", "many", sweeps, [SWEPT]), strict=True))
    assert (found["due"], found["waiting"], found["time"]) == ("some", "many", "2.5")
    assert (found["pages of queries"], found["read units"]) == ("5", "40")
    assert found["most memory, MB"] == "80"
    assert found["a shard's index writes, %"] == "24.0 to 26.0"
    assert found["of any 1,000 in a row, at most, %"] == "27.0"


def test_where_nothing_was_written_there_is_no_spread() -> None:
    idle = replace(SWEPT, written=(), hottest=0)
    assert row("nothing", "few", [idle], [idle])[-3:] == ["80", "", ""]


def test_the_page_has_a_place_for_it() -> None:
    assert "so be it" in put(DOCUMENT.read_text(), "make bench-sweep", "so be it\n")
