"""A restored ledger has forgotten what was sent since: nobody is asked about that again by itself."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from afterword.operating import held
from afterword.operating.held import Resolution
from afterword.operating.restore import Restore, restore
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.pauses import EVERYTHING, Pause
from afterword.remembering.records import Batch, BatchState, Claim, State
from afterword.sending import passage
from afterword.sending.provider import Uncertain
from tests.support.samples import DAY, HOUR, NOW, batch, campaign, customer, invitation, key
from tests.support.shop import Shop
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Key, Move

POINT = NOW
UNTIL = POINT + HOUR
LATER = NOW + DAY


@pytest.fixture(params=["memory", "moto"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    with mock_aws():
        client = boto3.client("dynamodb")
        seeds = count()
        yield DynamoDbLedger(
            client, make_table(client, "LedgerTable"), lambda _: None, lambda: f"s-{next(seeds)}"
        )


def run(ledger: Ledger, *, dry_run: bool = False, until: int = UNTIL) -> Counter[str]:
    return restore(ledger, Restore(until, LATER, dry_run=dry_run), lambda _: None)


def fill(ledger: Ledger) -> None:
    """The ledger as it was at the point: all kinds of rows."""
    orders = {"A-1": -DAY, "A-2": HOUR, "A-3": HOUR + 1, "B-1": 0, "B-2": 0, "B-3": 0, "B-4": 0}
    rows = [invitation(name, due=NOW + due) for name, due in orders.items()]
    ended = invitation("A-9", state=State.ENDED, reason="refunded")
    ledger.create([*rows, ended, invitation("A-1", campaign="gone", due=NOW)], NOW)
    ledger.remember_customers([customer(f"v1:{name}") for name in orders], NOW)
    for order, state in (
        ("B-1", BatchState.CLAIMING),
        ("B-2", BatchState.CALLING),
        ("B-3", BatchState.UNCERTAIN),
        ("B-4", BatchState.RELEASING),
    ):
        opened = batch(order, state=state, survey=int(order[-1]), due=LATER)
        ledger.open_batch(opened, [key(order)])
        ledger.claim(opened, [Claim(invitation(order, due=NOW))], NOW)
        passage.keep(ledger, opened, LATER)


def states(ledger: Ledger) -> dict[str, str]:
    names = ("A-1", "A-2", "A-3", "A-9", "B-1", "B-2", "B-3", "B-4")
    found = ledger.read_invitations([key(name) for name in names])
    return {name: f"{found[key(name)].state} {found[key(name)].reason}" for name in names}


def batch_states(ledger: Ledger) -> list[str]:
    read = (ledger.read_batch(f"B-{number}") for number in (1, 2, 3, 4))
    return [f"{each.state} {each.reason}" for each in read if each]


def test_what_may_have_gone_out_is_held_and_the_rest_goes_on(ledger: Ledger) -> None:
    fill(ledger)
    assert run(ledger) == {"campaign after-purchase": 2, "campaign gone": 1, "batches": 3}
    assert ledger.pauses() == {EVERYTHING: Pause(LATER, None, "restored")}
    assert states(ledger) == {
        "A-1": "held restored",
        "A-2": "held restored",
        "A-3": "pending None",
        "A-9": "ended refunded",
        **{f"B-{number}": "claimed None" for number in (1, 2, 3, 4)},
    }
    held_ = "held restored"
    assert batch_states(ledger) == [held_, held_, "uncertain None", held_]
    assert ledger.read_way("shop", 1).slot.holder is None
    assert ledger.read_way("shop", 3).slot.holder == "B-3"
    first = next(held.find(ledger, ["gone"]))
    assert not isinstance(first, Batch)
    assert first.held_at == LATER


def test_doing_it_again_changes_nothing(ledger: Ledger) -> None:
    fill(ledger)
    run(ledger)
    before = states(ledger), batch_states(ledger)
    assert run(ledger) == {}
    assert (states(ledger), batch_states(ledger)) == before


def test_a_dry_run_counts_and_writes_nothing(ledger: Ledger) -> None:
    fill(ledger)
    before = states(ledger), batch_states(ledger)
    counted = run(ledger, dry_run=True)
    assert (states(ledger), batch_states(ledger)) == before
    assert ledger.pauses() == {}
    assert run(ledger) == counted


def test_what_broke_off_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = MemoryLedger()  # Moto's transactions take a minute for so many.
    many = [invitation(f"A-{number}", due=NOW) for number in range(1200)]
    ledger.create(many, NOW)
    told: list[int] = []
    move, calls = ledger.move, count(1)

    def dies_later(moves: list[Move]) -> set[Key]:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return move(moves)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "move", dies_later)
        with pytest.raises(KeyboardInterrupt):
            restore(ledger, Restore(UNTIL, LATER, dry_run=False), told.append)
    assert told == [500, 1000]
    assert EVERYTHING in ledger.pauses(), "first of all"
    assert run(ledger) == {"campaign after-purchase": 200}
    assert ledger.count_held("after-purchase", 2000) == 1200


def test_what_an_index_that_lags_still_shows_as_due_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = MemoryLedger()
    ledger.create([invitation("A-1", due=UNTIL + 1), invitation("A-2", state=State.ENDED)], NOW)
    monkeypatch.setattr(ledger, "waiting", lambda *_: iter([key("A-1"), key("A-2")]))
    assert run(ledger) == {}


def test_an_earlier_pause_keeps_its_own_reason(ledger: Ledger) -> None:
    mine = Pause(NOW, None, "the old ledger is broken")
    ledger.put_pause(EVERYTHING, mine)
    run(ledger)
    assert ledger.pauses() == {EVERYTHING: mine}


@pytest.mark.parametrize("until", [NOW + 1, LATER + DAY])
def test_an_earlier_pause_that_ends_by_itself_is_not_enough(ledger: Ledger, until: int) -> None:
    ledger.put_pause(EVERYTHING, Pause(NOW, until, "over the weekend"))
    run(ledger)
    assert ledger.pauses() == {EVERYTHING: Pause(LATER, None, "restored")}


def test_nobody_is_asked_twice_after_a_restore() -> None:
    """What was sent after the point is pending again in the restored ledger, and a sweep would send it again."""
    shop = Shop([campaign(delay="PT1H"), campaign("later", survey=2, delay="P30D")])
    shop.translate(shop.purchase("A-1"))
    restored = shop.ledger  # As it was at the point: all of it still to come.
    sent_since = ["a-1@example.com"]
    shop.clock.pass_by(2 * HOUR)
    restore(restored, Restore(NOW + HOUR, shop.clock(), dry_run=False), lambda _: None)
    assert EVERYTHING in restored.pauses()
    restored.end_pause(EVERYTHING)
    assert not shop.sweep()
    found = held.find(restored, restored.campaigns(), "restored")
    held.resolve_all(restored, found, Resolution.SENT, shop.clock(), lambda _: None)
    shop.clock.pass_by(40 * DAY)
    shop.sweep()
    assert sent_since + shop.provider.invited == ["a-1@example.com", "a-1@example.com"]
    assert [each.reason for each in shop.invitations(key("A-1"))] == ["sent_by_operator"]
    assert shop.invitations(key("A-1", "later"))[0].state is State.CLAIMED


def test_what_a_replay_brings_back_is_held_when_it_is_done_again() -> None:
    """An event that came in after the point is in no restored ledger, but the old one may have sent its invitation."""
    shop = Shop([campaign(), campaign("later", survey=2, delay="P30D")])
    restore(shop.ledger, Restore(UNTIL, shop.clock(), dry_run=False), lambda _: None)
    shop.clock.pass_by(DAY)
    shop.translate(shop.purchase("A-1", ago=DAY - HOUR // 2))
    assert shop.provider.invited == []
    again = restore(shop.ledger, Restore(UNTIL, shop.clock(), dry_run=False), lambda _: None)
    assert again == {"campaign after-purchase": 1}
    shop.ledger.end_pause(EVERYTHING)
    shop.sweep()
    assert shop.provider.invited == []
    states = [each.state for each in shop.invitations(key("A-1"), key("A-1", "later"))]
    assert states == [State.HELD, State.PENDING]


def test_a_call_in_doubt_is_looked_into_once_it_is_resumed() -> None:
    shop = Shop([campaign()])
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase("A-1"))
    restore(shop.ledger, Restore(UNTIL, shop.clock(), dry_run=False), lambda _: None)
    shop.ledger.end_pause(EVERYTHING)
    shop.clock.pass_by(HOUR)
    assert shop.sweep()["sent"] == 1
