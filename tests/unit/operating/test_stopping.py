"""What a person ends stays ended, in any order with the events; what is past that is told."""

from __future__ import annotations

import pytest

from afterword.deciding.rules import Reason, StopMark
from afterword.operating.stopping import Stopped, cancel, drop, erase, suppress
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import Claim, State
from tests.support.desk import ref
from tests.support.samples import NOW, batch, customer, invitation, key, occasion
from tests.support.shop import Shop

CAMPAIGNS = {"after-purchase", "other"}


@pytest.fixture
def ledger() -> MemoryLedger:
    ledger = MemoryLedger()
    rows = [
        invitation("A-1"),
        invitation("A-1", campaign="other", state=State.HELD, reason="no_address"),
        invitation("A-2"),
    ]
    ledger.create(rows, NOW)
    ledger.remember_customers([customer("v1:A-1"), customer("v1:A-2")], NOW)
    return ledger


def reasons(ledger: MemoryLedger) -> dict[str, str | None]:
    keys = [key("A-1"), key("A-1", "other"), key("A-2")]
    return {str(each.key): each.reason for each in ledger.read_invitations(keys).values()}


def test_a_cancellation_ends_all_that_waits_for_the_order_and_leaves_a_mark(
    ledger: MemoryLedger,
) -> None:
    stopped = cancel(ledger, occasion("A-1"), CAMPAIGNS, NOW)
    assert stopped == Stopped((key("A-1"), key("A-1", "other")))
    assert reasons(ledger) == {
        str(key("A-1")): "cancelled",
        str(key("A-1", "other")): "cancelled",
        str(key("A-2")): None,
    }
    assert ledger.read_marks([occasion("A-1")])[occasion("A-1")].why == "cancelled"
    assert cancel(ledger, occasion("A-1"), CAMPAIGNS, NOW) == Stopped()


def test_a_cancellation_stops_what_is_yet_to_come() -> None:
    shop = Shop()
    cancel(shop.ledger, occasion("A-9"), CAMPAIGNS, shop.clock())
    shop.translate(shop.purchase("A-9", ago=0))
    assert shop.provider.invited == []
    assert shop.invitations(key("A-9"))[0].reason == Reason.CANCELLED


def test_a_refund_that_is_marked_already_keeps_its_mark(ledger: MemoryLedger) -> None:
    refund = StopMark("refunded", NOW - 9, "19.90", partial=False)
    part = StopMark("refunded", NOW - 9, "1.00", partial=True)
    ledger.put_marks({occasion("A-1"): refund, occasion("A-2"): part}, NOW)
    for order in ("A-1", "A-2"):
        cancel(ledger, occasion(order), CAMPAIGNS, NOW)
    marks = ledger.read_marks([occasion("A-1"), occasion("A-2")])
    assert marks[occasion("A-1")] == refund
    assert marks[occasion("A-2")].why == "cancelled"


def test_what_a_batch_has_claimed_is_told_and_left_alone(ledger: MemoryLedger) -> None:
    ledger.open_batch(batch("B1"), [key("A-1")])
    ledger.claim(batch("B1"), [Claim(invitation("A-1"))], NOW)
    stopped = cancel(ledger, occasion("A-1"), CAMPAIGNS, NOW)
    assert stopped == Stopped((key("A-1", "other"),), claimed=(key("A-1"),))


def test_one_campaigns_invitation_is_dropped_and_the_cap_given_back(ledger: MemoryLedger) -> None:
    (held,) = ledger.read_invitations([key("A-1", "other")]).values()
    ledger.remember_customers([customer("v1:A-1", last_at=NOW, last_by=str(held.key))], NOW)
    assert drop(ledger, held.key) == Stopped((held.key,))
    assert reasons(ledger)[str(held.key)] == "dropped_by_operator"
    assert reasons(ledger)[str(key("A-1"))] is None
    assert ledger.read_marks([occasion("A-1")]) == {}
    assert ledger.read_customers(["v1:A-1"])["v1:A-1"].last_at is None


def test_a_suppressed_customer_is_forgotten_and_asked_no_more(ledger: MemoryLedger) -> None:
    assert suppress(ledger, "v1:A-1", NOW).ended == (key("A-1"), key("A-1", "other"))
    known = ledger.read_customers(["v1:A-1"])["v1:A-1"]
    assert (known.email, known.suppressed, known.erased_at) == (None, "unsubscribed", None)


def test_an_erasure_tells_what_it_removed_and_keeps_that_it_was_done(ledger: MemoryLedger) -> None:
    erased = erase(ledger, "v1:A-1", NOW)
    assert erased.removed == ("email", "name")
    assert erased.stopped.ended == (key("A-1"), key("A-1", "other"))
    assert erased.invitations == 2
    known = ledger.read_customers(["v1:A-1"])["v1:A-1"]
    assert (known.email, known.name, known.erased_at) == (None, None, NOW)
    assert erase(ledger, "v1:nobody", NOW).removed == ()


def test_an_older_event_of_who_was_erased_ends_as_erased() -> None:
    shop = Shop()
    erase(shop.ledger, ref("a-1@example.com"), shop.clock())
    shop.translate(shop.purchase("A-1", ago=60))
    assert shop.provider.invited == []
    assert shop.invitations(key("A-1"))[0].reason == Reason.ERASED
