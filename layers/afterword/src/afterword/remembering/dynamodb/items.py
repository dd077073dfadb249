"""The ledger's records as DynamoDB items, and back. docs/design.md has the table of keys."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from zlib import crc32

from afterword.deciding.rules import StopMark
from afterword.remembering.pauses import Pause
from afterword.remembering.records import (
    AccountState,
    Batch,
    BatchState,
    Customer,
    Invitation,
    Key,
    Occasion,
    SlotState,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from afterword.remembering.dynamodb.table import Item

_logger = logging.getLogger(__name__)
# Spreads one campaign's due invitations over partitions, each good for 1,000 write units a second:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
LANE_SHARDS = 4
BATCH_LANE = "batches"
# Which lanes there are: an index can't list its own partitions.
CAMPAIGNS = ("L#campaigns", "-")
# One item, an attribute for each: whoever looks at a way reads it in the same call.
PAUSES = ("L#pauses", "-")
MARK = "!"
ONLY = "-"


def invitation_key(key: Key) -> tuple[str, str]:
    """Return an invitation's pk and sk."""
    return f"O#{key.occasion}", f"I#{key.campaign}"


def mark_key(occasion: Occasion) -> tuple[str, str]:
    """Return a stop mark's pk and sk: beside the invitations that it stops."""
    return f"O#{occasion}", MARK


def customer_item_key(customer: str) -> tuple[str, str]:
    """Return a customer's pk and sk."""
    return f"C#{customer}", ONLY


def batch_key(batch: str) -> tuple[str, str]:
    """Return a batch's pk and sk."""
    return f"B#{batch}", ONLY


def members_key(batch: str, page: int) -> tuple[str, str]:
    """Return pk and sk of a page of a batch's members."""
    return f"B#{batch}", f"M#{page:04}"


def account_key(account: str) -> tuple[str, str]:
    """Return pk and sk of an account's state."""
    return f"P#{account}", ONLY


def slot_key(account: str, survey: int) -> tuple[str, str]:
    """Return pk and sk of a survey's slot."""
    return f"P#{account}", f"S#{survey}"


def lanes(campaign: str) -> list[str]:
    """Return all lanes of a campaign in the due index."""
    return [f"{campaign}#{shard}" for shard in range(LANE_SHARDS)]


def lane(key: Key, state: State) -> str | None:
    """Return where an invitation stands in the due index: pending and held ones apart, others nowhere."""
    if state is State.PENDING:
        return lanes(key.campaign)[crc32(str(key.occasion).encode()) % LANE_SHARDS]
    return held_lane(key.campaign) if state is State.HELD else None


def held_lane(campaign: str) -> str:
    """Return where a campaign's held invitations and batches stand in the due index."""
    return f"held:{campaign}"


def parse_invitation_key(item: Item) -> Key:
    """Return the identity that pk and sk hold."""
    return Key(Occasion.parse(item["pk"].removeprefix("O#")), item["sk"].removeprefix("I#"))


def invitation_item(invitation: Invitation) -> Item:
    """Return an invitation's attributes beside its key."""
    return {
        "state": invitation.state.value,
        "reason": invitation.reason,
        "cust": invitation.customer,
        "occurred_at": invitation.occurred_at,
        "lane": lane(invitation.key, invitation.state),
        "due": invitation.due,
        "batch": invitation.batch,
        "attempts": invitation.attempts,
        "batch_limit": invitation.batch_limit,
        "first_due": invitation.first_due,
        "held_at": invitation.held_at,
        "event": invitation.event,
    }


def parse_invitation(item: Item) -> Invitation:
    """Return the invitation that an item holds."""
    return Invitation(
        key=parse_invitation_key(item),
        customer=item["cust"],
        occurred_at=int(item["occurred_at"]),
        due=int(item["due"]),
        state=State(item["state"]),
        reason=item.get("reason"),
        batch=item.get("batch"),
        attempts=int(item["attempts"]),
        batch_limit=_number(item.get("batch_limit")),
        first_due=_number(item.get("first_due")),
        held_at=_number(item.get("held_at")),
        event=item.get("event"),
    )


def is_batch(item: Item) -> bool:
    """Tell whether an entry of an index is a batch's."""
    return bool(item["pk"].startswith("B#"))


def parse_held(item: Item) -> Invitation | Batch:
    """Return the invitation or the batch that an item holds."""
    return parse_batch(item) if is_batch(item) else parse_invitation(item)


def pause_item(pause: Pause) -> Item:
    """Return a pause as the value of its attribute."""
    values = {"since": pause.since, "until": pause.until, "reason": pause.reason}
    return {name: value for name, value in values.items() if value is not None}


def parse_pauses(item: Item) -> dict[str, Pause]:
    """Return all pauses by name."""
    return {name: _pause(value) for name, value in item.items() if name not in {"pk", "sk"}}


def _pause(value: Item) -> Pause:
    try:
        return Pause(int(value["since"]), _number(value.get("until")), value.get("reason"))
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        # Somebody wanted something paused: to wait harms less than to send.
        return Pause(0, None, "unreadable")


def parse_mark(item: Item) -> StopMark:
    """Return the stop mark that an item holds."""
    return StopMark(
        why=item["why"], at=int(item["at"]), amount=item.get("amount"), partial=item["partial"]
    )


def parse_customer(item: Item) -> Customer:
    """Return the customer that an item holds."""
    known = _known(Customer, item)
    known["last_at"] = known.get("last_at") or None  # 0: a reservation was given back.
    return Customer(key=item["pk"].removeprefix("C#"), **known)


def batch_item(batch: Batch) -> Item:
    """Return a batch's attributes; while it has a `due`, it stands in the due index, too."""
    values: Item = {each.name: getattr(batch, each.name) for each in fields(Batch)}
    del values["id"]
    return values | {
        "state": batch.state.value,
        "lane": _batch_lane(batch),
    }


def _batch_lane(batch: Batch) -> str | None:
    if batch.state is BatchState.HELD:
        return held_lane(batch.campaign)
    return BATCH_LANE if batch.due is not None else None


def parse_batch(item: Item) -> Batch:
    """Return the batch that an item holds."""
    values = _known(Batch, item) | {"state": BatchState(item["state"])}
    values["notes"] = bool(item.get("notes", True))
    return Batch(**{"due": None, **values, "id": item["pk"].removeprefix("B#")})


def account_item(state: AccountState) -> Item:
    """Return the attributes of an account's state."""
    return {each.name: getattr(state, each.name) for each in fields(AccountState)}


def slot_item(state: SlotState) -> Item:
    """Return the attributes of a slot."""
    return {each.name: getattr(state, each.name) for each in fields(SlotState)}


def parse_account(item: Item) -> AccountState:
    """Return the account state that an item holds."""
    return AccountState(**_known(AccountState, item))


def parse_slot(item: Item) -> SlotState:
    """Return the slot that an item holds."""
    return SlotState(**_known(SlotState, item))


def readable[Record](parse: Callable[[Item], Record], found: Iterable[Item]) -> Iterator[Record]:
    """Parse items one by one, and leave out those that can't be: one broken row must not stop all others.

    Such a row stays where it is. If it is due, it is counted as overdue, and that raises an alarm.
    """
    for item in found:
        try:
            yield parse(item)
        except (KeyError, ValueError, TypeError, ArithmeticError) as error:
            _logger.warning("a row of the ledger can't be read: %s", type(error).__name__)


def _known(kind: type, item: Item) -> dict[str, Any]:
    """Return the attributes that a record has a field for; numbers as int."""
    names = {each.name for each in fields(kind)} & item.keys()
    return {name: item[name] if isinstance(item[name], str) else int(item[name]) for name in names}


def _number(value: Any) -> int | None:  # noqa: ANN401 -- a Decimal or nothing
    return None if value is None else int(value)
