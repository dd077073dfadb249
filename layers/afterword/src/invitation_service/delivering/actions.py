"""The transactions that delivering is made of, and what each refusal means."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from invitation_service.delivering.items import addressee_fields, update
from invitation_service.delivering.records import Job, Move, Progress, tallied
from invitation_service.delivering.store import MovedMeanwhileError
from invitation_service.people.actions import count_recipients
from invitation_service.people.items import change_mark, recipient_item, recipient_key
from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.items import Item, invitation_key, text_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from invitation_service.writes import Action


def key_of(job: Job) -> Item:
    """Return the key of an invitation."""
    return invitation_key(job.account, job.survey_id, job.invitation_id)


def unfolding(
    table: str, progress: Progress, recipients: Sequence[SurveyRecipient], named: int
) -> "list[Action]":
    """Return what keeps an invitation's next recipients, and counts them where they are counted."""
    job = progress.job
    waiting = sum(each.delivery is Delivery.WAITING for each in recipients)
    adds = {
        "prepared": named,
        "untried": waiting,
        "recipients_count": waiting - named,
        Delivery.WAITING: waiting,
        Delivery.SUPPRESSED: sum(each.delivery is Delivery.SUPPRESSED for each in recipients),
    }
    # So that of two who prepare at the same time, one keeps each stretch.
    same = "#prepared = :was" if progress.prepared else "attribute_not_exists(#prepared)"
    counted = update(
        table,
        key_of(job),
        condition=f"attribute_exists(#pk) AND {same}",
        values={":was": {"N": str(progress.prepared)}} if progress.prepared else {},
        adds=adds,
    )
    actions: list[Action] = [({"Update": counted}, MovedMeanwhileError)]
    if recipients:
        actions.append((count_recipients(table, job.account, job.survey_id, len(recipients)), None))
    for each in recipients:
        item = recipient_item(job.account, each)
        actions.append(({"Put": {"TableName": table, "Item": item}}, None))
    return actions


def moving(table: str, job: Job, moves: Sequence[Move], now: datetime) -> "list[Action]":
    """Return what moves recipients from state to state, and counts it at their invitation."""
    actions: list[Action] = [
        (_step(table, job.account, each, now), MovedMeanwhileError) for each in moves
    ]
    if change := tallied(list(moves)):
        counted = update(table, key_of(job), condition="attribute_exists(#pk)", adds=change)
        actions.append(({"Update": counted}, None))
    return actions


def _step(table: str, account: str, move: Move, now: datetime) -> "TransactWriteItemTypeDef":
    before, recipient = move.before, move.after.recipient
    fields = addressee_fields(move.after)
    if move.after.delivery is Delivery.DELIVERED:
        moved = recipient.model_copy(update={"updated_at": now})
        fields |= {
            "delivered_at": {"S": text_of(now)},
            "updated_at": {"S": text_of(now)},
            "changed": {"S": change_mark(moved)},
        }
    untouched = "#attempts = :attempts"
    if not before.attempts:
        untouched = f"({untouched} OR attribute_not_exists(#attempts))"
    unclaimed = "#claim = :claim" if before.claim else "attribute_not_exists(#claim)"
    return {
        "Update": update(
            table,
            recipient_key(account, recipient.survey_id, recipient.id),
            condition=f"#delivery = :was AND {unclaimed} AND {untouched}",
            values={
                ":was": {"S": before.delivery},
                ":attempts": {"N": str(before.attempts)},
                **({":claim": {"S": before.claim}} if before.claim else {}),
            },
            sets={name: value for name, value in fields.items() if value is not None},
            removes=tuple(name for name, value in fields.items() if value is None),
        )
    }
