"""How deliveries look as DynamoDB items: more attributes of invitations and recipients. They stay.

An invitation that somebody must look after has `due_lane` and `due`, which the index `due` is made of.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from invitation_service.delivering.records import STATES, Addressee, Job, Progress
from invitation_service.delivering.store import Glimpse
from invitation_service.people.items import read_recipient
from invitation_service.people.records import Delivery
from invitation_service.surveys.items import Item, Kept, read_invitation, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateTypeDef

DUE_INDEX = "due"
# One partition takes 1,000 changes a second, which is more than one table's invitations make.
DUE_LANE = "D"

_NAMES = re.compile(r"#(\w+)")
_JOB = re.compile(r"A#(?P<account>[^#]+)#S#(?P<survey>\d+)")


def beginning(total: int, due: datetime) -> Item:
    """Return the attributes that an invitation begins with."""
    return {
        "total": {"N": str(total)},
        "due_lane": {"S": DUE_LANE},
        "due": {"N": seconds(due)},
    }


def read_progress(account: str, item: Kept) -> Progress:
    """Return what an invitation's item says of its deliveries."""

    def number(name: str) -> int:
        return int(item[name]["N"]) if name in item else 0

    def moment(name: str) -> datetime | None:
        return datetime.fromtimestamp(int(item[name]["N"]), UTC) if name in item else None

    return Progress(
        account=account,
        invitation=read_invitation(item),
        total=number("total"),
        first_id=number("first_id") or None,
        prepared=number("prepared"),
        untried=number("untried"),
        counts=Counter({state: number(state) for state in STATES if number(state)}),
        low=number("low"),
        step=number("step"),
        not_before=moment("not_before"),
        trouble_since=moment("trouble_since"),
    )


def read_job(item: Kept) -> Job:
    """Return the invitation that an item's key names."""
    found = _JOB.fullmatch(item["pk"]["S"])
    if found is None:
        raise ValueError("no key of an invitation")
    return Job(found["account"], int(found["survey"]), int(item["sk"]["S"].removeprefix("I#")))


def read_addressee(item: Kept) -> Addressee:
    """Return the addressee that a recipient's item holds."""

    def moment(name: str) -> datetime | None:
        return datetime.fromtimestamp(int(item[name]["N"]), UTC) if name in item else None

    return Addressee(
        recipient=read_recipient(item),
        attempts=int(item["attempts"]["N"]) if "attempts" in item else 0,
        first_tried_at=moment("first_tried_at"),
        retry_at=moment("retry_at"),
        claim=item["claim"]["S"] if "claim" in item else "",
        claimed_at=moment("claimed_at"),
    )


def read_glimpse(item: Kept) -> Glimpse:
    """Return what an item's projection says of a recipient."""
    since = item.get("claimed_at") or item.get("retry_at")
    at = datetime.fromtimestamp(int(since["N"]), UTC) if since else None
    return int(item["id"]["N"]), Delivery(item["delivery"]["S"]), at


def addressee_fields(addressee: Addressee) -> "dict[str, AttributeValueTypeDef | None]":
    """Return a recipient's attributes that deliveries change; None: it has none."""
    moments = {
        name: getattr(addressee, name) for name in ("first_tried_at", "retry_at", "claimed_at")
    }
    reason = addressee.recipient.reason
    return {
        "delivery": {"S": addressee.delivery},
        "attempts": {"N": str(addressee.attempts)},
        "reason": {"S": reason} if reason else None,
        "claim": {"S": addressee.claim} if addressee.claim else None,
        **{name: {"N": seconds(at)} if at else None for name, at in moments.items()},
    }


def update(  # noqa: PLR0913 - the parts of one expression.
    table: str,
    key: Item,
    *,
    condition: str,
    values: Item | None = None,
    sets: Item | None = None,
    adds: Mapping[str, int] | None = None,
    removes: "tuple[str, ...]" = (),
) -> "UpdateTypeDef":
    """Return an update of an item.

    Args:
        table: The table's name.
        key: The item's key.
        condition: With `#name` for attributes and `:name` for values, here and in what is set.
        values: Those that the condition names.
        sets: What attributes become.
        adds: By how much they change.
        removes: Which of them go.
    """
    changed: Item = {f":set_{name}": value for name, value in (sets or {}).items()}
    changed |= {f":add_{name}": {"N": str(by)} for name, by in (adds or {}).items()}
    parts = [
        ("SET", [f"#{name} = :set_{name}" for name in sets or ()]),
        ("ADD", [f"#{name} :add_{name}" for name in adds or ()]),
        ("REMOVE", [f"#{name}" for name in removes]),
    ]
    expression = " ".join(f"{word} {', '.join(what)}" for word, what in parts if what)
    made: UpdateTypeDef = {
        "TableName": table,
        "Key": key,
        "ConditionExpression": condition,
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {
            f"#{name}": name for name in _NAMES.findall(f"{condition} {expression}")
        },
    }
    if used := {**(values or {}), **changed}:
        made["ExpressionAttributeValues"] = used
    return made
