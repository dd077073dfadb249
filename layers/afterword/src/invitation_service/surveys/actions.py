"""The transaction that makes an invitation visible: its actions, and what each one's refusal means."""

from typing import TYPE_CHECKING

from invitation_service.surveys import items
from invitation_service.surveys.models import Invitation
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    Quota,
    QuotaReachedError,
    UnknownSurveyError,
)

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from invitation_service.writes import Action


def visible(
    table: str, account: str, invitation: Invitation, item: items.Item, new: NewInvitation
) -> "list[Action]":
    """Return the actions, the most telling refusal first.

    Args:
        table: The table's name.
        account: Whose invitation it is.
        invitation: The invitation under its id.
        item: How it is kept.
        new: What it was made of.
    """
    actions: list[Action] = []
    # First: who repeats a call is told of the first one, and not that it is still being sent.
    if new.idempotency:
        actions.append((_key(table, account, invitation, new.idempotency), KeyTakenError))
    count = _count(table, account, invitation)
    actions += [(count, UnknownSurveyError), (_put(table, item), None)]
    # After the key: who repeats a call is told of the first, and not that it was the last.
    if new.quota:
        actions.append((_use(table, account, new.quota, new.created_at), QuotaReachedError))
    return actions


def _count(table: str, account: str, invitation: Invitation) -> "TransactWriteItemTypeDef":
    one: items.Item = {":one": {"N": "1"}}
    if invitation.mailing:
        condition, change, values = "attribute_exists(pk)", "ADD invitations :one", one
    else:
        condition = "attribute_exists(pk) AND attribute_not_exists(sending)"
        change = "ADD invitations :one SET sending = :id"
        values = {**one, ":id": {"N": str(invitation.id)}}
    return {
        "Update": {
            "TableName": table,
            "Key": items.survey_key(account, invitation.survey_id),
            "ConditionExpression": condition,
            "UpdateExpression": change,
            "ExpressionAttributeValues": values,
        }
    }


def _put(table: str, item: items.Item) -> "TransactWriteItemTypeDef":
    return {
        "Put": {
            "TableName": table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }


def _key(
    table: str, account: str, invitation: Invitation, idempotency: Idempotency
) -> "TransactWriteItemTypeDef":
    return {
        "Put": {
            "TableName": table,
            "Item": items.idempotency_item(account, invitation, idempotency),
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": {"N": items.seconds(invitation.created_at)}},
        }
    }


def _use(table: str, account: str, quota: Quota, now: "datetime") -> "TransactWriteItemTypeDef":
    return {
        "Update": {
            "TableName": table,
            "Key": items.quota_key(account, quota),
            "ConditionExpression": "attribute_not_exists(used) OR used < :limit",
            "UpdateExpression": "SET #ttl = :ttl ADD used :one",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {
                ":limit": {"N": str(quota.limit)},
                ":one": {"N": "1"},
                ":ttl": {"N": items.seconds(now + items.QUOTAS_ARE_KEPT)},
            },
        }
    }
