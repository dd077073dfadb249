"""The status counts what waits up to a limit, and says of each way what blocks it."""

from __future__ import annotations

from dataclasses import replace

from afterword.operating.status import Lane, gates, lanes, last_batches
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.pauses import EVERYTHING, Pause
from afterword.remembering.records import AccountState, BatchState, SlotState, State
from tests.support.samples import DAY, NOW, batch, campaign, invitation


def test_lanes_count_what_waits_what_is_late_and_what_is_held() -> None:
    ledger = MemoryLedger()
    rows = [
        invitation("A-1", due=NOW - 1000),
        invitation("A-2", due=NOW - 900),
        invitation("A-3", due=NOW - 899),
        invitation("A-6", due=NOW + DAY),
        invitation("A-4", state=State.HELD),
        invitation("A-5", state=State.ENDED),
    ]
    ledger.create(rows, NOW)
    assert lanes(ledger, ["after-purchase", "empty"], NOW, 10) == [
        Lane("after-purchase", 4, 2, NOW - 1000, 1),
        Lane("empty", 0, 0, None, 0),
    ]
    assert lanes(ledger, ["after-purchase"], NOW, 1)[0].pending == 1


def test_a_free_way_is_told_with_todays_outcomes_and_the_calls_of_the_minute() -> None:
    ledger = MemoryLedger()
    way = ledger.read_way("shop", 1)
    state = AccountState(spent=f"{NOW - 90}.00:7 {NOW - 5}.00:2")
    slot = SlotState(day=NOW // DAY, sent=40, refused=2)
    ledger.swap_way(way, replace(way, account_state=state, slot=slot))
    (gate,) = gates(ledger, [campaign("b"), campaign("a")], NOW)
    assert (gate.account, gate.survey, gate.blocked, gate.breaker) == ("shop", 1, None, "closed")
    assert (gate.spent, gate.sent, gate.refused, gate.waits_for_a_person) == (2, 40, 2, False)
    (tomorrow,) = gates(ledger, [campaign()], NOW + DAY)
    assert (tomorrow.spent, tomorrow.sent, tomorrow.refused) == (0, 0, 0)


def test_a_breaker_is_open_then_probing_and_a_pause_waits_for_a_person() -> None:
    ledger = MemoryLedger()
    way = ledger.read_way("shop", 1)
    down = AccountState(failures=3, not_before=NOW + 60)
    ledger.swap_way(way, replace(way, account_state=down))
    (gate,) = gates(ledger, [campaign()], NOW)
    assert (gate.breaker, gate.failures) == ("open", 3)
    assert gate.blocked
    assert (gate.blocked.reason, gate.blocked.until) == ("provider_paused", NOW + 60)
    assert gates(ledger, [campaign()], NOW + 60)[0].breaker == "probing"
    ledger.put_pause(EVERYTHING, Pause(NOW))
    assert gates(ledger, [campaign()], NOW)[0].waits_for_a_person


def test_the_newest_batches_come_first() -> None:
    ledger = MemoryLedger()
    for number in range(5):
        ledger.open_batch(batch(f"B{number}", created_at=NOW + number), [])
    ledger.open_batch(batch("done", due=None, state=BatchState.SENT), [])
    assert [each.id for each in last_batches(ledger, 2)] == ["B4", "B3"]
