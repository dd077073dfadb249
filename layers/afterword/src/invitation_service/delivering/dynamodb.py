"""Invitations on their way, on DynamoDB; `items` says what lies where."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from invitation_service.delivering import items
from invitation_service.delivering.actions import key_of, moving, unfolding
from invitation_service.delivering.items import update
from invitation_service.delivering.records import Addressee, Job, Move, Progress
from invitation_service.delivering.store import Glimpse, MovedMeanwhileError
from invitation_service.directory.items import address_key
from invitation_service.people.items import recipient_key, reference_item
from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.items import (
    Item,
    Kept,
    account_key,
    invitations_pk,
    seconds,
    survey_key,
    text_of,
)
from invitation_service.surveys.models import Status
from invitation_service.table import Table
from invitation_service.writes import throttling_named

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

# Nobody looks at a minute that is over.
_MINUTES_ARE_KEPT = timedelta(hours=1)


class DynamoDBDeliveries(Table):
    """Keeps the promise on one table; see `Deliveries` for each method.

    The table has the index `due`: `due_lane`, `due`, keys only.
    """

    def progress(self, job: Job) -> Progress | None:
        """See `Deliveries.progress`."""
        item = self._get(key_of(job))
        return items.read_progress(job.account, item) if item else None

    def number(self, job: Job) -> int:
        """See `Deliveries.number`."""
        item = self._get(key_of(job)) or {}
        if "first_id" not in item:
            first = self._reserve_ids(job.account, "recipients", int(item["total"]["N"]))[0]
            # Whoever came in between has numbered it.
            self._change(
                update(
                    self._table,
                    key_of(job),
                    condition="attribute_not_exists(#first_id)",
                    sets={"first_id": {"N": str(first)}},
                )
            )
            item = self._get(key_of(job)) or {}
        return int(item["first_id"]["N"])

    def unfold(self, progress: Progress, recipients: Sequence[SurveyRecipient], named: int) -> None:
        """See `Deliveries.unfold`."""
        # First, for they say nothing that is not so in a moment, and nobody minds them twice.
        references = [reference_item(progress.account, each) for each in recipients]
        with throttling_named():
            self._writer.write([{"PutRequest": {"Item": each}} for each in references])
        self._writer.commit(unfolding(self._table, progress, recipients, named))

    def _between(
        self, job: Job, first: int, last: int, attributes: Sequence[str] = ()
    ) -> Iterator[Kept]:
        ends = [recipient_key(job.account, job.survey_id, each)["sk"] for each in (first, last)]
        names = {f"#{name}": name for name in attributes}
        projected = (
            {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
            if names
            else {}
        )
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":pk": {"S": invitations_pk(job.account, job.survey_id)},
                    ":first": ends[0],
                    ":last": ends[1],
                },
                ConsistentRead=True,
                **projected,  # type: ignore[arg-type]  # boto3's stubs want each argument by itself.
            )
            for page in pages:
                yield from page["Items"]

    def addressees(self, job: Job, first: int, last: int) -> list[Addressee]:
        """See `Deliveries.addressees`."""
        found = [items.read_addressee(item) for item in self._between(job, first, last)]
        return [each for each in found if each.recipient.invitation_id == job.invitation_id]

    def glimpses(self, job: Job, first: int, last: int) -> Iterator[Glimpse]:
        """See `Deliveries.glimpses`."""
        wanted = ("id", "invitation_id", "delivery", "retry_at", "claimed_at")
        for item in self._between(job, first, last, wanted):
            if item.get("invitation_id", {}).get("N") == str(job.invitation_id):
                yield items.read_glimpse(item)

    def move(self, job: Job, moves: Sequence[Move], now: datetime) -> None:
        """See `Deliveries.move`."""
        self._writer.commit(moving(self._table, job, moves, now))

    def conclude(self, progress: Progress, status: Status, now: datetime) -> None:
        """See `Deliveries.conclude`."""
        sets: Item = {"status": {"S": status}, "updated_at": {"S": text_of(now)}}
        condition = "#status = :was"
        values: Item = {":was": {"S": progress.invitation.status}}
        ends = status is not Status.SCHEDULED
        if ends:
            for state in (Delivery.WAITING, Delivery.SENDING):
                condition += f" AND (attribute_not_exists(#{state}) OR #{state} = :none)"
            values[":none"] = {"N": "0"}
        if status is Status.DELIVERED:
            sets["delivered_at"] = {"S": text_of(now)}
        done = self._change(
            update(
                self._table,
                key_of(progress.job),
                condition=condition,
                values=values,
                sets=sets,
                removes=("due_lane", "due") if ends else (),
            )
        )
        if not done:
            raise MovedMeanwhileError

    def free_survey(self, job: Job) -> None:
        """See `Deliveries.free_survey`."""
        self._change(
            update(
                self._table,
                survey_key(job.account, job.survey_id),
                condition="#sending = :this",
                values={":this": {"N": str(job.invitation_id)}},
                removes=("sending",),
            )
        )

    def look_again(self, job: Job, at: datetime, *, sooner: bool = False) -> None:
        """See `Deliveries.look_again`."""
        later = " AND #due > :set_due" if sooner else ""
        self._change(
            update(
                self._table,
                key_of(job),
                condition=f"attribute_exists(#due_lane){later}",
                sets={"due": {"N": seconds(at)}},
            )
        )

    def put_off(self, job: Job, now: datetime, at: datetime) -> None:
        """See `Deliveries.put_off`."""
        self._change(
            update(
                self._table,
                key_of(job),
                condition="attribute_exists(#due_lane) AND #due <= :now",
                values={":now": {"N": str(int(now.timestamp()))}},
                sets={"due": {"N": seconds(at)}},
            )
        )

    def pass_over(self, job: Job, low: int) -> None:
        """See `Deliveries.pass_over`."""
        self._change(
            update(
                self._table,
                key_of(job),
                condition="attribute_exists(#pk)",
                sets={"low": {"N": str(low)}},
            )
        )

    def hold_off(self, progress: Progress, until: datetime, now: datetime) -> None:
        """See `Deliveries.hold_off`."""
        since = progress.trouble_since or now
        self._change(
            update(
                self._table,
                key_of(progress.job),
                condition=f"attribute_exists(#due_lane) AND {_same_step(progress)}",
                values=_step_value(progress),
                sets={
                    "step": {"N": str(progress.step + 1)},
                    "not_before": {"N": seconds(until)},
                    "due": {"N": seconds(until)},
                    "trouble_since": {"N": seconds(since)},
                },
            )
        )

    def go_on(self, progress: Progress) -> None:
        """See `Deliveries.go_on`."""
        self._change(
            update(
                self._table,
                key_of(progress.job),
                condition=_same_step(progress),
                values=_step_value(progress),
                removes=("step", "not_before", "trouble_since"),
            )
        )

    def due(self, now: datetime, limit: int) -> list[Job]:
        """See `Deliveries.due`."""
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=items.DUE_INDEX,
                KeyConditionExpression="due_lane = :lane AND due <= :now",
                ExpressionAttributeValues={
                    ":lane": {"S": items.DUE_LANE},
                    ":now": {"N": str(int(now.timestamp()))},
                },
                PaginationConfig={"MaxItems": limit},
            )
            return [items.read_job(item) for page in pages for item in page["Items"]]

    def count_mails(self, account: str, minute: datetime, wanted: int, limit: int) -> int:
        """See `Deliveries.count_mails`. A repetition by the SDK may count twice: fewer go out."""
        with throttling_named():
            answer = self._client.update_item(
                TableName=self._table,
                Key=account_key(account, f"M#{minute:%Y-%m-%dT%H:%M}"),
                UpdateExpression="SET #ttl = :ttl ADD used :wanted",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":wanted": {"N": str(wanted)},
                    ":ttl": {"N": seconds(minute + _MINUTES_ARE_KEPT)},
                },
                ReturnValues="UPDATED_NEW",
            )
        before = int(answer["Attributes"]["used"]["N"]) - wanted
        return max(0, min(wanted, limit - before))

    def unsubscribed_among(self, account: str, emails: Sequence[str]) -> set[str]:
        """See `Deliveries.unsubscribed_among`."""
        by_key = {address_key(account, each)["pk"]["S"]: each for each in emails}
        keys: list[Item] = [{"pk": {"S": pk}, "sk": {"S": "E"}} for pk in by_key]
        found = [item for item in self._get_all(keys) if item.get("unsubscribed", {}).get("BOOL")]
        away = {item["pk"]["S"] for item in found}
        return {each for each in emails if address_key(account, each)["pk"]["S"] in away}

    def _change(self, change: "UpdateTypeDef") -> bool:
        """Carry out an update; return whether its condition held."""
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._update(**change)
            return True
        return False


def _same_step(progress: Progress) -> str:
    return "#step = :step" if progress.step else "attribute_not_exists(#step)"


def _step_value(progress: Progress) -> Item:
    return {":step": {"N": str(progress.step)}} if progress.step else {}
