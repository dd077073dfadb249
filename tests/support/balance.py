"""The balance: what the shop said, against the ledger, the provider's books, the queue and the dead letters."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from afterword.remembering.records import State

if TYPE_CHECKING:
    from tests.support.running import Running

FAR = 2**40
# What may be true of somebody whom the provider was made to invite.
_ASKED = ("sent", "uncertain", "calling", "held.", "provider_dropped")
_OPEN = {"claiming", "calling", "uncertain", "releasing"}


def assert_nothing_lost(running: Running) -> None:
    """Check that every purchase has exactly one end or a time at which it goes on, and that nobody was asked twice.

    Everybody has an address of their own, and there is one live campaign, which wants every purchase.
    """
    orders = _orders(running)
    queued = {each.body for each in running.queue}
    invitations = running.invitations
    found = Counter(each.key.occasion.id for each in invitations)
    lost = {order for order, body in orders.items() if not found[order] and body not in queued}
    assert not lost
    assert set(found) <= set(orders)
    assert set(found.values()) <= {1}
    assert max(running.provider.books.values(), default=0) <= 1
    for order, state in running.by_order.items():
        if order in running.excused:
            continue
        _compare(order, state, running.provider.books[f"{order.lower()}@example.com"])
    _assert_visible(running)
    letters = Counter(each["Body"] for each in running.letters)
    assert letters + Counter(queued & set(running.poison)) == running.poison


def _orders(running: Running) -> dict[str, str]:
    orders: dict[str, str] = {}
    for body in running.taken:
        event = {} if running.poison[body] else _read(body)
        if event.get("type") == "purchase":
            orders[event["order_id"]] = body
    return orders


def _compare(order: str, state: str, asked: int) -> None:
    """Hold the ledger against the provider's books."""
    if asked:
        assert state.startswith(_ASKED), f"{order} was asked, and is {state}"
    else:
        assert state != "sent", f"{order} was never asked"


def _assert_visible(running: Running) -> None:
    """Whatever waits is found by somebody: the due index knows it."""
    ledger = running.ledger
    waiting = {each.key for each in running.invitations if each.state is State.PENDING}
    lanes = {each.campaign for each in waiting}
    assert {key for lane in lanes for key in ledger.due(lane, FAR, 1000)} == waiting
    open_ = {each.id for each in running.batches.values() if each.state in _OPEN}
    assert open_ <= {each.id for each in ledger.due_batches(FAR, 1000)}


def _read(body: str) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        return {}
    return event.get("detail", event) if isinstance(event, dict) else {}
