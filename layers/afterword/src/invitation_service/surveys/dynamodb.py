"""The store on DynamoDB; `items` says what lies where.

Recipients are written first, where nobody looks; one transaction then makes the invitation visible
together with its key and the survey's count. What a crash in between leaves behind is unreachable
and goes with its TTL.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from invitation_service.access.meters import DynamoDBMeter
from invitation_service.delivering.dynamodb import DynamoDBDeliveries
from invitation_service.delivering.items import beginning
from invitation_service.directory.dynamodb import DynamoDBDirectory
from invitation_service.people.dynamodb import DynamoDBPeople
from invitation_service.surveys import items
from invitation_service.surveys.actions import visible
from invitation_service.surveys.models import Invitation, Recipient, Survey
from invitation_service.surveys.store import (
    KeyTakenError,
    NewInvitation,
    QuotaReachedError,
    Remembered,
    StillSendingError,
    StoreBusyError,
    UnknownSurveyError,
)
from invitation_service.writes import throttling_named

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBStore(DynamoDBDeliveries, DynamoDBMeter, DynamoDBPeople, DynamoDBDirectory):
    """Keeps the service's promise on one table; see `Store` for each method.

    Args:
        client: Makes the boto3 client, at the first call. Its own retries may be on.
        table_name: The table, with `pk`, `sk` and the TTL attribute `ttl`.
        new_id: Returns an id that no other call gets.
        pause: Waits before the given repetition (1, 2, …), longer each time and with jitter.
    """

    def __init__(
        self,
        client: Callable[[], "DynamoDBClient"],
        table_name: str,
        *,
        new_id: Callable[[], str],
        pause: Callable[[int], None],
    ) -> None:
        super().__init__(client, table_name, pause)
        self._new_id = new_id

    def add_survey(self, account: str, name: str, created_at: datetime) -> Survey:
        """See `Store.add_survey`."""
        with throttling_named():
            survey = Survey(
                id=self._next_id(account, "surveys"),
                name=name,
                created_at=created_at,
                updated_at=created_at,
            )
            self._client.put_item(TableName=self._table, Item=items.survey_item(account, survey))
        return survey

    def put_survey(self, account: str, survey_id: int, name: str, now: datetime) -> Survey:
        """See `Store.put_survey`."""
        with throttling_named():
            self._raise_last_id(account, "surveys", survey_id)
        answer = self._update(
            TableName=self._table,
            Key=items.survey_key(account, survey_id),
            UpdateExpression=(
                "SET id = :id, #name = :name, updated_at = :now,"
                " created_at = if_not_exists(created_at, :now) ADD invitations :none"
            ),
            ExpressionAttributeNames={"#name": "name"},
            ExpressionAttributeValues={
                ":id": {"N": str(survey_id)},
                ":name": {"S": name},
                ":now": {"S": items.text_of(now)},
                ":none": {"N": "0"},
            },
            ReturnValues="ALL_NEW",
        )
        return items.read_survey(answer["Attributes"])

    def survey(self, account: str, survey_id: int) -> Survey | None:
        """See `Store.survey`."""
        item = self._get(items.survey_key(account, survey_id))
        return items.read_survey(item) if item else None

    def surveys(self, account: str) -> list[Survey]:
        """See `Store.surveys`."""
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
                ExpressionAttributeValues={
                    ":pk": items.account_key(account, "")["pk"],
                    ":kind": {"S": "S#"},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
            )
            return [items.read_survey(item) for page in pages for item in page["Items"]]

    def update_survey(
        self, account: str, survey_id: int, fields: Mapping[str, str | int], now: datetime
    ) -> Survey | None:
        """See `Store.update_survey`."""
        changes = items.survey_changes(fields, now)
        try:
            answer = self._update(
                TableName=self._table,
                Key=items.survey_key(account, survey_id),
                ConditionExpression="attribute_exists(pk)",
                UpdateExpression=f"SET {', '.join(f'#{each} = :{each}' for each in changes)}",
                ExpressionAttributeNames={f"#{each}": each for each in changes},
                ExpressionAttributeValues={f":{each}": value for each, value in changes.items()},
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return items.read_survey(answer["Attributes"])

    def remembered(
        self, account: str, survey_id: int, key: str, now: datetime
    ) -> Remembered | None:
        """See `Store.remembered`."""
        item = self._get(items.idempotency_key(account, survey_id, key))
        return items.read_remembered(item, now) if item else None

    def invitation(self, account: str, survey_id: int, invitation_id: int) -> Invitation | None:
        """See `Store.invitation`."""
        item = self._get(items.invitation_key(account, survey_id, invitation_id))
        return items.read_invitation(item) if item else None

    def invitations(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> list[Invitation]:
        """See `Store.invitations`."""
        partition = items.invitations_pk(account, survey_id)
        found = self._stretch(partition, "I#", offset=offset, limit=limit)
        return [items.read_invitation(item) for item in found]

    def recipients(self, account: str, survey_id: int, invitation_id: int) -> Iterator[Recipient]:
        """See `Store.recipients`. Reads a chunk at a time."""
        item = self._get(items.invitation_key(account, survey_id, invitation_id))
        if item is None:
            return
        for number in range(int(item["chunks"]["N"])):
            chunk = self._get(items.chunk_key(account, item["load"]["S"], number))
            # Gone with its TTL.
            yield from items.read_chunk(chunk) if chunk else ()

    def add_invitation(self, account: str, survey_id: int, new: NewInvitation) -> Invitation:
        """See `Store.add_invitation`."""
        load = self._new_id()
        chunks = items.chunk_items(account, load, new.recipients, new.created_at)
        with throttling_named():
            invitation = new.numbered(self._next_id(account, "invitations"), survey_id)
            self._writer.write([{"PutRequest": {"Item": chunk}} for chunk in chunks])
        start = beginning(new.total, new.due)
        item = items.invitation_item(account, invitation, load, len(chunks), start)
        try:
            self._writer.commit(visible(self._table, account, invitation, item, new), load)
        except (KeyTakenError, QuotaReachedError, StoreBusyError):
            self._drop(chunks)
            raise
        except UnknownSurveyError:
            self._drop(chunks)
            # One condition for both: what is not there is not sending either.
            if self.survey(account, survey_id):
                raise StillSendingError from None
            raise
        return invitation

    def _raise_last_id(self, account: str, kind: str, least: int) -> None:
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key=items.account_key(account, f"N#{kind}"),
                ConditionExpression="attribute_not_exists(last_id) OR last_id < :least",
                UpdateExpression="SET last_id = :least",
                ExpressionAttributeValues={":least": {"N": str(least)}},
            )

    def _drop(self, chunks: Sequence[items.Item]) -> None:
        keys: list[items.Item] = [{"pk": chunk["pk"], "sk": chunk["sk"]} for chunk in chunks]
        # As well as can be: what stays behind goes with its TTL.
        with contextlib.suppress(ClientError, StoreBusyError):
            self._writer.write([{"DeleteRequest": {"Key": key}} for key in keys])
