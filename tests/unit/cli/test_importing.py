from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.customer_key import customer_key
from afterword.remembering.ledger import LedgerError
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import Batch, Claim, Customer, Leaving, customer_ref
from cli.respondents.first_lines import FirstLines
from cli.respondents.importing import BATCH, Outcome, read_customers, take_in
from cli.respondents.rows import Refused, Row
from cli.respondents.source import Source
from tests.support.samples import DAY, NOW, invitation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

SECRET = b"a key of the customer keys, 32 bytes"
SOURCE = Source("demo", SECRET, NOW)


@dataclass
class Ledger(MemoryLedger):
    """Counts what is written, and lets something else happen just before that."""

    written: list[Customer] = field(default_factory=list)
    reads: int = 0
    meanwhile: list[Callable[[MemoryLedger], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def read_customers(self, keys: Collection[str]) -> dict[str, Customer]:
        self.reads += 1
        return super().read_customers(keys)

    def remember_customers(
        self, customers: Collection[Customer], now: int
    ) -> Mapping[str, Customer]:
        if self.meanwhile:
            self.meanwhile.pop()(self)
        self.written += customers
        return super().remember_customers(customers, now)

    def event(self, told: Customer) -> None:
        """An event, not counted."""
        super().remember_customers([told], told.seen_at)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def ref(email: str, shop: str = "demo") -> str:
    return customer_ref(shop, customer_key(email, SECRET))


def told(who: str = "jana", **changes: Any) -> Customer:
    email = f"{who}@example.com"
    known = Customer(ref(email), email=email, token=f"T-{who}", seen_at=NOW)
    return replace(known, **changes)


def run(ledger: Ledger, *customers: Customer, dry_run: bool = False) -> dict[Outcome, int]:
    counts = take_in(ledger, customers, lambda: NOW, dry_run=dry_run, progressed=lambda _: None)
    return dict(counts)


def found(ledger: Ledger) -> Customer:
    return ledger.read_customers([told().key])[told().key]


def read(rows: Iterable[Row | Refused]) -> tuple[list[Customer], list[Refused]]:
    refused: list[Refused] = []
    with closing(FirstLines()) as first_lines:
        return list(read_customers(rows, SOURCE, first_lines, refused.append)), refused


def test_a_row_becomes_a_customer_of_its_shop_as_of_the_file() -> None:
    fields = {"email": "Jana@Example.com", "token": "T-1", "language": "cs", "zone": "", "name": ""}
    customers, refused = read([Row(2, fields)])
    assert customers == [
        Customer(
            ref("jana@example.com"),
            email="Jana@example.com",
            token="T-1",
            language="cs",
            seen_at=NOW,
        )
    ]
    assert refused == []


def test_refused_lines_do_not_stop_the_others() -> None:
    rows: list[Row | Refused]
    rows = [Refused(2, "quotes"), Row(3, {"email": "x"}), Row(4, {"email": "jana@example.com"})]
    customers, refused = read(rows)
    assert [each.email for each in customers] == ["jana@example.com"]
    assert [each.line for each in refused] == [2, 3]


def test_of_two_lines_about_one_customer_the_second_is_refused() -> None:
    """Whichever token is right: a person must say so."""
    emails = ["jana@example.com", "petr@example.com", "JANA@example.com", "jana@example.com"]
    customers, refused = read(Row(2 + n, {"email": email}) for n, email in enumerate(emails))
    assert [each.email for each in customers] == emails[:2]
    assert refused == [
        Refused(4, "email: line 2 has the same"),
        Refused(5, "email: line 2 has the same"),
    ]


def test_a_second_import_writes_nothing(ledger: Ledger) -> None:
    people = [told(str(number)) for number in range(2 * BATCH + 1)]
    assert run(ledger, *people) == {Outcome.NEW: len(people)}
    ledger.written.clear()
    assert run(ledger, *people) == {Outcome.SAME: len(people)}
    assert ledger.written == []


def test_an_import_tells_how_far_it_is_batch_by_batch(ledger: Ledger) -> None:
    seen: list[int] = []
    people = (told(str(number)) for number in range(2 * BATCH + 1))
    take_in(ledger, people, lambda: NOW, dry_run=False, progressed=seen.append)
    assert seen == [BATCH, 2 * BATCH, 2 * BATCH + 1]
    assert ledger.reads == 3


def test_a_newer_file_changes_what_it_tells_and_leaves_the_rest(ledger: Ledger) -> None:
    ledger.event(told(token="old", name="Jana", seen_at=NOW - DAY))
    assert run(ledger, told(token="new")) == {Outcome.CHANGED: 1}
    assert found(ledger) == told(token="new", name="Jana")


def test_a_newer_file_that_tells_nothing_new_renews_the_record(ledger: Ledger) -> None:
    ledger.event(told(seen_at=NOW - DAY))
    assert run(ledger, told()) == {Outcome.SAME: 1}
    assert found(ledger).seen_at == NOW
    assert len(ledger.written) == 1


def test_what_a_newer_event_said_stays_and_what_it_left_out_is_added(ledger: Ledger) -> None:
    newer = told(token=None, name="Jana Nová", seen_at=NOW + 1)
    ledger.event(newer)
    file = told(name="Jana Stará", language="cs")
    assert run(ledger, file) == {Outcome.CHANGED: 1}
    assert found(ledger) == replace(newer, token="T-jana", language="cs")
    ledger.written.clear()
    assert run(ledger, file) == {Outcome.NEWER: 1}
    assert ledger.written == []


def test_an_event_older_than_the_file_changes_nothing_and_a_newer_one_does(ledger: Ledger) -> None:
    run(ledger, told())
    ledger.event(told(token="older", seen_at=NOW - 1))
    assert found(ledger).token == "T-jana"
    ledger.event(told(token="newer", seen_at=NOW + 1))
    assert found(ledger).token == "newer"


def test_who_left_is_left_alone(ledger: Ledger) -> None:
    ledger.suppress([Leaving(told().key, "unsubscribed", NOW - DAY)])
    before = found(ledger)
    assert run(ledger, told()) == {Outcome.GONE: 1}
    assert (found(ledger), ledger.written) == (before, [])


def test_who_leaves_while_the_import_runs_is_left_alone(ledger: Ledger) -> None:
    ledger.meanwhile.append(lambda it: it.suppress([Leaving(told().key, "erased", NOW)]))
    assert run(ledger, told()) == {Outcome.GONE: 1}
    assert (found(ledger).email, found(ledger).suppressed) == (None, "erased")


def test_an_event_that_comes_while_the_import_runs_has_the_last_word(ledger: Ledger) -> None:
    newer = told(token=None, name="Jana Nová", seen_at=NOW + 1)
    ledger.meanwhile.append(lambda _: ledger.event(newer))
    assert run(ledger, told(name="Jana Stará"), told("petr")) == {
        Outcome.CHANGED: 1,
        Outcome.NEW: 1,
    }
    assert found(ledger) == replace(newer, token="T-jana")


def test_an_import_gives_up_on_a_customer_who_never_stops_changing(ledger: Ledger) -> None:
    later = iter(range(NOW + 1, NOW + 99))
    ledger.meanwhile += [lambda _: ledger.event(told(token=None, seen_at=next(later)))] * 9
    with pytest.raises(LedgerError, match="kept changing"):
        run(ledger, told())
    assert len(ledger.meanwhile) == 4


def test_when_somebody_was_asked_is_kept(ledger: Ledger) -> None:
    ledger.event(told(seen_at=NOW - DAY, token=None))
    asked = invitation("A-1", customer=told().key)
    ledger.create([asked], NOW)
    batch = Batch("B1", asked.key.campaign, "shop", 1, 1, NOW, NOW)
    ledger.claim(batch, [Claim(asked)], NOW - 5)
    run(ledger, told())
    after = found(ledger)
    assert (after.token, after.last_at, after.last_by) == ("T-jana", NOW - 5, str(asked.key))


def test_a_dry_run_tells_the_same_and_writes_nothing(ledger: Ledger) -> None:
    ledger.event(told("changed", token="old", seen_at=NOW - DAY))
    ledger.event(told("newer", token="new", seen_at=NOW + DAY))
    ledger.suppress([Leaving(told("gone").key, "unsubscribed", NOW)])
    people = [told(name) for name in ("changed", "newer", "gone", "new")]
    dry = run(ledger, *people, dry_run=True)
    assert ledger.written == []
    assert dry == dict.fromkeys((Outcome.CHANGED, Outcome.NEWER, Outcome.GONE, Outcome.NEW), 1)
    assert run(ledger, *people) == dry


def test_counts_add_up(ledger: Ledger) -> None:
    ledger.suppress([Leaving(told("1").key, "unsubscribed", NOW)])
    counts = Counter(run(ledger, *(told(str(number)) for number in range(7))))
    assert counts == {Outcome.NEW: 6, Outcome.GONE: 1}
