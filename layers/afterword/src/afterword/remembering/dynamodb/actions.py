"""The ledger's conditional actions, one function each. The conditions are what makes repeats and races harmless."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from afterword.deciding.campaigns import LIFETIME
from afterword.remembering.dynamodb import items
from afterword.remembering.dynamodb.table import Action
from afterword.remembering.records import (
    PERSONAL,
    Batch,
    Claim,
    Customer,
    Invitation,
    Leaving,
    Move,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from afterword.deciding.rules import StopMark
    from afterword.remembering.dynamodb.table import Item
    from afterword.remembering.pauses import Pause
    from afterword.remembering.records import Occasion

_LIFETIME = int(LIFETIME.total_seconds())
# An item holds at most 400 kB, a transaction 4 MB:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
_PAGE_BYTES = 300_000
_OF_CUSTOMER = [each.name for each in fields(Customer) if each.name != "key"]


def remember(customer: Customer, now: int, *, alone: bool) -> Action:
    """Store what is known of a customer, unless suppressed, or told of by a newer event.

    Args:
        customer: As an event told.
        now: Wall time, Unix seconds.
        alone: Only if nothing else is known of the customer, so that what was told is all there is.
    """
    told = _told(customer)
    action = _update(
        items.customer_item_key(customer.key),
        told | {"ttl": now + _LIFETIME},
        condition="attribute_not_exists(suppressed)"
        " AND (attribute_not_exists(seen_at) OR seen_at <= :seen_at)",
    )
    untold = [name for name in PERSONAL if name not in told] if alone else []
    return replace(
        action,
        condition=" AND ".join(
            [action.condition or "", *(f"attribute_not_exists(#{name})" for name in untold)]
        ),
        names={f"#{name}": name for name in untold} | (action.names or {}),
    )


def create(invitation: Invitation, now: int) -> Action:
    """Write an invitation that is new."""
    return Action(
        items.invitation_key(invitation.key),
        condition="attribute_not_exists(pk)",
        item=items.invitation_item(invitation) | {"ttl": now + _LIFETIME},
    )


def note(campaigns: set[str]) -> Action:
    """Add to the names of all campaigns that ever were."""
    return Action(
        items.CAMPAIGNS,
        update="ADD #names :names",
        values={":names": campaigns},
        names={"#names": "names"},
    )


def mark(occasion: Occasion, why: StopMark, now: int) -> Action:
    """Write a stop mark; a partial refund's only where there is none."""
    return Action(
        items.mark_key(occasion),
        condition="attribute_not_exists(pk)" if why.partial else None,
        item=asdict(why) | {"ttl": now + _LIFETIME},
    )


def move(what: Move) -> Action:
    """Change an invitation that still is as it was read."""
    was, after = what.invitation, what.after()
    return _update(
        items.invitation_key(was.key),
        items.invitation_item(after),
        condition="#state = :was"
        + (" AND #batch = :my_batch" if was.batch else " AND attribute_not_exists(#batch)"),
        values={":was": was.state.value} | ({":my_batch": was.batch} if was.batch else {}),
    )


def move_and_note(what: Move) -> list[Action]:
    """Change an invitation, and what its customer's record says of it: a reservation that is undone, or made."""
    if what.gives_back:
        return [move(what), give_back(what.invitation)]
    if what.asked_at is not None:
        return [move(what), note_asked(what.invitation, what.asked_at)]
    return [move(what)]


def claim(what: Claim, batch: Batch) -> Action:
    """Claim a pending invitation for a batch; a repeat finds it claimed by that batch already."""
    after = replace(what.invitation, state=State.CLAIMED, batch=batch.id, reason=None)
    return _update(
        items.invitation_key(after.key),
        items.invitation_item(after),
        # The new state is "claimed", too: what this batch has ended stays so.
        condition="#state = :pending OR (#state = :state AND #batch = :batch)",
        values={":pending": State.PENDING.value},
    )


def claim_new(what: Claim, batch: Batch, now: int) -> Action:
    """Create an invitation as claimed by a batch; a repeat finds it claimed by that batch already."""
    claimed = replace(what.invitation, state=State.CLAIMED, batch=batch.id)
    return Action(
        items.invitation_key(claimed.key),
        condition="attribute_not_exists(pk) OR (#state = :claimed AND #batch = :batch)",
        values={":claimed": State.CLAIMED.value, ":batch": batch.id},
        names={"#state": "state", "#batch": "batch"},
        item=items.invitation_item(claimed) | {"ttl": now + _LIFETIME},
    )


def claim_and_note(what: Claim, batch: Batch, now: int) -> list[Action]:
    """Claim an invitation, together with what this says of its customer."""
    claimed = claim_new(what, batch, now) if what.is_new else claim(what, batch)
    return [claimed, reserve(what, now)] if what.is_guarded else [claimed]


def reserve(what: Claim, now: int) -> Action:
    """Note on the customer who asks now and what was told, unless suppressed or asked within the contact cap.

    What was told is no part of the condition: who claims has just read the record. Of two events within that moment the
    older one may win, which the next one mends.
    """
    condition = "attribute_not_exists(suppressed)"
    told = _told(what.told) if what.told else {}
    values: Item = {f":{name}": value for name, value in told.items()} | {":ttl": now + _LIFETIME}
    sets = [f"#{name} = :{name}" for name in (*told, "ttl")]
    if what.notes:
        sets += ["prev_at = if_not_exists(last_at, :never)", "last_at = :now", "last_by = :me"]
        values |= {":now": now, ":me": str(what.invitation.key), ":never": 0}
    if what.notes and what.cap is not None:
        condition += " AND (attribute_not_exists(last_at) OR last_at <= :free OR last_by = :me)"
        values[":free"] = now - what.cap
    return Action(
        items.customer_item_key(what.invitation.customer),
        condition=condition,
        update=f"SET {', '.join(sets)}",
        values=values,
        names={f"#{name}": name for name in (*told, "ttl")},
    )


def give_back(invitation: Invitation) -> Action:
    """Undo this invitation's reservation, unless another has reserved since."""
    return Action(
        items.customer_item_key(invitation.customer),
        condition="last_by = :me",
        update="SET last_at = prev_at REMOVE last_by",
        values={":me": str(invitation.key)},
    )


def note_asked(invitation: Invitation, at: int) -> Action:
    """Note on a customer who is known that this invitation asked at that time, unless another did since."""
    return Action(
        items.customer_item_key(invitation.customer),
        condition="attribute_exists(pk) AND (attribute_not_exists(last_at) OR last_at < :at)",
        update="SET last_at = :at, last_by = :me",
        values={":at": at, ":me": str(invitation.key)},
    )


def put_pause(name: str, pause: Pause) -> Action:
    """Write a pause."""
    return Action(
        items.PAUSES,
        update="SET #name = :pause",
        values={":pause": items.pause_item(pause)},
        names={"#name": name},
    )


def end_pause(name: str) -> Action:
    """Forget a pause that there is."""
    return Action(
        items.PAUSES,
        condition="attribute_exists(#name)",
        update="REMOVE #name",
        names={"#name": name},
    )


def suppress(what: Leaving) -> Action:
    """Forget a customer's data and mark the record. It has no TTL from now on: a refusal doesn't expire."""
    return Action(
        items.customer_item_key(what.customer),
        update="SET suppressed = if_not_exists(suppressed, :reason)"
        + (", erased_at = :at" if what.erase else "")
        + " REMOVE "
        + ", ".join(f"#{name}" for name in (*PERSONAL, "ttl")),
        values={":reason": what.reason} | ({":at": what.at} if what.erase else {}),
        names={f"#{name}": name for name in (*PERSONAL, "ttl")},
    )


def readmit(customer: str, now: int) -> Action:
    """Take a suppression back, unless the customer was erased: an older event must still end as erased."""
    return Action(
        items.customer_item_key(customer),
        condition="attribute_exists(suppressed) AND attribute_not_exists(erased_at)",
        update="SET #ttl = :ttl REMOVE suppressed",
        values={":ttl": now + _LIFETIME},
        names={"#ttl": "ttl"},
    )


def put_batch(new: Batch, old: Batch | None = None) -> Action:
    """Write a batch: a new one, or in place of `old` if nobody has changed that."""
    condition, values = None, None
    if old is not None:
        due = "attribute_not_exists(due)" if old.due is None else "due = :old_due"
        condition = f"#state = :old_state AND {due}"
        values = {":old_state": old.state.value, ":old_due": old.due}
    return Action(
        items.batch_key(new.id),
        condition=condition,
        item=items.batch_item(new) | {"ttl": new.created_at + _LIFETIME},
        values=values,
        names={"#state": "state"} if condition else None,
    )


def put_members(batch: Batch, occasions: Sequence[str]) -> list[Action]:
    """Write a batch's members, in pages that fit into items."""
    return [
        Action(
            items.members_key(batch.id, number),
            item={"occasions": page, "ttl": batch.created_at + _LIFETIME},
        )
        for number, page in enumerate(_pages(occasions))
    ]


def put_version(key: tuple[str, str], values: Item, version: int) -> Action:
    """Write version n + 1 of an item in place of version n; 0: there is none yet."""
    return Action(
        key,
        condition="version = :version" if version else "attribute_not_exists(pk)",
        item=values | {"version": version + 1},
        values={":version": version} if version else None,
    )


def _told(customer: Customer) -> Item:
    told = {name: getattr(customer, name) for name in _OF_CUSTOMER}
    return {name: value for name, value in told.items() if value is not None}


def _update(
    key: tuple[str, str],
    changes: Item,
    condition: str,
    values: Mapping[str, object] | None = None,
) -> Action:
    """Set what has a value and remove what is None. Names go by alias: `name`, `state`, `token` … are reserved."""
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    removes = [f"#{name}" for name, value in changes.items() if value is None]
    return Action(
        key,
        condition=condition,
        update=f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else ""),
        values={f":{name}": value for name, value in changes.items()} | dict(values or {}),
        names={f"#{name}": name for name in changes},
    )


def _pages(occasions: Sequence[str]) -> Iterator[list[str]]:
    page: list[str] = []
    size = 0
    for occasion in occasions:
        if page and size + len(occasion) > _PAGE_BYTES:
            yield page
            page, size = [], 0
        page.append(occasion)
        size += len(occasion)
    yield page
