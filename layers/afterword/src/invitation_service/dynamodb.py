"""The store on DynamoDB; `items` says what lies where.

Recipients are written first, where nobody looks; one transaction then makes the invitation visible
together with its key and the survey's count. What a crash in between leaves behind is unreachable
and goes with its TTL.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from invitation_service import items
from invitation_service.models import Invitation, Recipient, Status, Survey
from invitation_service.store import (
    KeyTakenError,
    NewInvitation,
    Remembered,
    StoreBusyError,
    UnknownSurveyError,
)
from invitation_service.writes import Writer, throttling_named

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class DynamoDBStore:
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
        self._make_client = client
        self._table = table_name
        self._new_id = new_id
        self._pause = pause

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return self._make_client()

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._client, self._table, self._pause)

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

    def survey(self, account: str, survey_id: int) -> Survey | None:
        """See `Store.survey`."""
        item = self._get(items.survey_key(account, survey_id))
        return items.read_survey(item) if item else None

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
        """See `Store.invitations`. Reads what it skips too: some 250 bytes each."""
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
                ExpressionAttributeValues={
                    ":pk": {"S": items.invitations_pk(account, survey_id)},
                    ":kind": {"S": "I#"},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                PaginationConfig={"MaxItems": offset + limit},
            )
            found = chain.from_iterable(page["Items"] for page in pages)
            return [items.read_invitation(item) for item in islice(found, offset, offset + limit)]

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
            invitation = Invitation(
                id=self._next_id(account, "invitations"),
                survey_id=survey_id,
                status=Status.SCHEDULED,
                recipients_count=len(new.recipients),
                created_at=new.created_at,
                updated_at=new.created_at,
            )
            self._writer.write([{"PutRequest": {"Item": chunk}} for chunk in chunks])
        item = items.invitation_item(account, invitation, load, len(chunks))
        try:
            self._writer.commit(self._visible(account, invitation, item, new), load)
        except (KeyTakenError, UnknownSurveyError, StoreBusyError):
            self._drop(chunks)
            raise
        return invitation

    def _get(self, key: items.Item) -> items.Kept | None:
        with throttling_named():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _next_id(self, account: str, kind: str) -> int:
        # A repetition by the SDK may count twice: a gap, never the same id twice.
        answer = self._client.update_item(
            TableName=self._table,
            Key=items.account_key(account, f"N#{kind}"),
            UpdateExpression="ADD last_id :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["last_id"]["N"])

    def _drop(self, chunks: Sequence[items.Item]) -> None:
        keys: list[items.Item] = [{"pk": chunk["pk"], "sk": chunk["sk"]} for chunk in chunks]
        # As well as can be: what stays behind goes with its TTL.
        with contextlib.suppress(ClientError, StoreBusyError):
            self._writer.write([{"DeleteRequest": {"Key": key}} for key in keys])

    def _visible(
        self, account: str, invitation: Invitation, item: items.Item, new: NewInvitation
    ) -> "list[TransactWriteItemTypeDef]":
        actions: list[TransactWriteItemTypeDef] = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": items.survey_key(account, invitation.survey_id),
                    "ConditionExpression": "attribute_exists(pk)",
                    "UpdateExpression": "ADD invitations :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            {
                "Put": {
                    "TableName": self._table,
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
        ]
        if new.idempotency:
            actions.append(
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": items.idempotency_item(account, invitation, new.idempotency),
                        "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
                        "ExpressionAttributeValues": {":now": {"N": items.seconds(new.created_at)}},
                    }
                }
            )
        return actions
