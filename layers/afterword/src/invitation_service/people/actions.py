"""The transactions that change recipients and responses, and what each refusal means."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from invitation_service.people import items
from invitation_service.people.records import Response, SurveyRecipient, user_id_of
from invitation_service.people.store import SurveyClosedError, UnknownRecipientError
from invitation_service.surveys.items import Item, Kept, survey_key, text_of
from invitation_service.surveys.models import SurveyStatus
from invitation_service.surveys.store import UnknownSurveyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from invitation_service.writes import Action


class MovedMeanwhileError(Exception):
    """The recipient's address changed between reading and writing."""


class AnsweredMeanwhileError(Exception):
    """The answer changed between reading and writing."""


def first_words(table: str, account: str, recipient: SurveyRecipient) -> "list[Action]":
    """Return what keeps a new recipient, with the address's reference and the survey's count."""
    return [
        (count_recipients(table, account, recipient.survey_id, 1), UnknownSurveyError),
        ({"Put": {"TableName": table, "Item": items.recipient_item(account, recipient)}}, None),
        ({"Put": {"TableName": table, "Item": items.reference_item(account, recipient)}}, None),
    ]


def count_recipients(
    table: str, account: str, survey_id: int, count: int
) -> "TransactWriteItemTypeDef":
    """Return what counts new recipients at their survey; refused where there is no survey."""
    return {
        "Update": {
            "TableName": table,
            "Key": survey_key(account, survey_id),
            "ConditionExpression": "attribute_exists(pk)",
            "UpdateExpression": "ADD recipients :count",
            "ExpressionAttributeValues": {":count": {"N": str(count)}},
        }
    }


def move(
    table: str, account: str, known: SurveyRecipient, changed: SurveyRecipient
) -> "list[Action]":
    """Return what keeps a recipient's changes, and moves the reference of a changed address."""
    actions: list[Action] = [
        (_change(table, account, known, changed), MovedMeanwhileError),
    ]
    if known.email.casefold() == changed.email.casefold():
        return actions
    survey_id, recipient_id = known.survey_id, known.id
    old = items.reference_key(account, known.email, survey_id, recipient_id)
    new = items.reference_item(account, known.model_copy(update={"email": changed.email}))
    return [
        *actions,
        ({"Delete": {"TableName": table, "Key": old}}, None),
        ({"Put": {"TableName": table, "Item": new}}, None),
    ]


def _change(
    table: str, account: str, known: SurveyRecipient, changed: SurveyRecipient
) -> "TransactWriteItemTypeDef":
    locale = ", #locale = :locale" if changed.locale else " REMOVE #locale"
    values: Item = {
        ":was": {"S": known.email},
        ":email": {"S": changed.email},
        ":name": {"S": changed.name},
        ":at": {"S": text_of(changed.updated_at)},
        ":mark": {"S": items.change_mark(changed)},
        ":user": {"N": str(user_id_of(account, changed.email))},
        **({":locale": {"S": changed.locale}} if changed.locale else {}),
    }
    return {
        "Update": {
            "TableName": table,
            "Key": items.recipient_key(account, known.survey_id, known.id),
            "ConditionExpression": "email = :was",
            "UpdateExpression": (
                "SET email = :email, #name = :name, user_id = :user, updated_at = :at,"
                f" changed = :mark{locale}"
            ),
            "ExpressionAttributeNames": {"#name": "name", "#locale": "locale"},
            "ExpressionAttributeValues": values,
        }
    }


def answer(table: str, account: str, kept: Kept | None, response: Response) -> "list[Action]":
    """Return what keeps an answer in place of the kept one, with tally and `updated_at`."""
    before = items.read_response(kept).counters if kept else set()
    change = dict.fromkeys(response.counters - before, 1) | dict.fromkeys(
        before - response.counters, -1
    )
    return [
        (_touch(table, account, response), UnknownRecipientError),
        (_tally(table, account, response.survey_id, change), SurveyClosedError),
        (_keep(table, account, kept, response), AnsweredMeanwhileError),
    ]


def _touch(table: str, account: str, response: Response) -> "TransactWriteItemTypeDef":
    return {
        "Update": {
            "TableName": table,
            "Key": items.recipient_key(account, response.survey_id, response.recipient_id),
            "ConditionExpression": "attribute_exists(pk)",
            "UpdateExpression": "SET updated_at = :at, changed = :mark",
            "ExpressionAttributeValues": {
                ":at": {"S": text_of(response.updated_at)},
                # A response has its recipient's id.
                ":mark": {"S": items.change_mark(response)},
            },
        }
    }


def _tally(
    table: str, account: str, survey_id: int, change: Mapping[str, int]
) -> "TransactWriteItemTypeDef":
    numbers: Item = {f":{name}": {"N": str(by)} for name, by in change.items()}
    adds = ", ".join(f"{name} :{name}" for name in change)
    return {
        "Update": {
            "TableName": table,
            "Key": survey_key(account, survey_id),
            # A survey that nobody ever changed has no status: it is open.
            "ConditionExpression": (
                "attribute_exists(pk) AND (attribute_not_exists(#status) OR #status = :open)"
            ),
            # Counts nothing where the same counters hold, but still looks at the status.
            "UpdateExpression": f"ADD {adds or 'promoters :none'}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":open": {"S": SurveyStatus.OPEN},
                **(numbers or {":none": {"N": "0"}}),
            },
        }
    }


def _keep(
    table: str, account: str, kept: Kept | None, response: Response
) -> "TransactWriteItemTypeDef":
    version = int(kept["version"]["N"]) if kept else 0
    put: TransactWriteItemTypeDef = {
        "Put": {
            "TableName": table,
            "Item": items.response_item(account, response, version + 1),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    if kept:
        put["Put"]["ConditionExpression"] = "version = :version"
        put["Put"]["ExpressionAttributeValues"] = {":version": {"N": str(version)}}
    return put
