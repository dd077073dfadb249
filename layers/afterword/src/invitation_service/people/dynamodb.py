"""Recipients and responses on DynamoDB; `items` says what lies where."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from invitation_service.people import items
from invitation_service.people.actions import (
    AnsweredMeanwhileError,
    MovedMeanwhileError,
    answer,
    first_words,
    move,
)
from invitation_service.people.records import (
    Category,
    Response,
    SurveyRecipient,
    Tally,
    user_id_of,
)
from invitation_service.people.store import NewRecipient, Page, UnknownRecipientError
from invitation_service.surveys.items import Kept, invitations_pk, survey_key, text_of
from invitation_service.surveys.store import StoreBusyError
from invitation_service.table import Table
from invitation_service.writes import ATTEMPTS, throttling_named

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_AT_AN_ADDRESS = 100


class DynamoDBPeople(Table):
    """Keeps the promise on one table; see `People` for each method.

    The table has the index `changes`: `change_lane`, `changed`, keys only.
    """

    def add_recipient(self, account: str, survey_id: int, new: NewRecipient) -> SurveyRecipient:
        """See `People.add_recipient`."""
        recipient = SurveyRecipient(
            id=self._next_id(account, "recipients"),
            survey_id=survey_id,
            email=new.email,
            name=new.name,
            locale=new.locale,
            user_id=user_id_of(account, new.email),
            created_at=new.created_at,
            updated_at=new.created_at,
        )
        self._writer.commit(first_words(self._table, account, recipient))
        return recipient

    def put_recipient(self, account: str, recipient: SurveyRecipient) -> None:
        """See `People.put_recipient`."""
        for attempt in self._races():
            known = self.recipient(account, recipient.survey_id, recipient.id)
            if known is None:
                raise UnknownRecipientError
            try:
                self._writer.commit(move(self._table, account, known, recipient))
            except MovedMeanwhileError:
                self._pause(attempt)
            else:
                return
        raise StoreBusyError

    def recipient(self, account: str, survey_id: int, recipient_id: int) -> SurveyRecipient | None:
        """See `People.recipient`."""
        item = self._get(items.recipient_key(account, survey_id, recipient_id))
        return items.read_recipient(item) if item else None

    def recipients_named(
        self, account: str, places: Sequence[tuple[int, int]]
    ) -> list[SurveyRecipient]:
        """See `People.recipients_named`. A hundred at a time."""
        keys = [items.recipient_key(account, *place) for place in places]
        return [items.read_recipient(item) for item in self._get_all(keys)]

    def recipients_of_survey(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> tuple[list[SurveyRecipient], int]:
        """See `People.recipients_of_survey`. Those who went with their TTL are counted still."""
        survey = self._get(survey_key(account, survey_id)) or {}
        found = self._stretch(invitations_pk(account, survey_id), "R#", offset=offset, limit=limit)
        count = int(survey["recipients"]["N"]) if "recipients" in survey else 0
        return [items.read_recipient(item) for item in found], count

    def recipients_at(self, account: str, survey_id: int, email: str) -> list[SurveyRecipient]:
        """See `People.recipients_at`."""
        address = items.reference_key(account, email, survey_id, 0)["pk"]["S"]
        references = self._stretch(
            address, f"R#{survey_id:019d}#", offset=0, limit=_MOST_AT_AN_ADDRESS
        )
        keys = [
            items.recipient_key(account, survey_id, int(each["id"]["N"])) for each in references
        ]
        found = [items.read_recipient(item) for item in self._get_all(keys)]
        return sorted(found, key=lambda each: -each.id)

    def respond(
        self,
        account: str,
        survey_id: int,
        recipient_id: int,
        change: Callable[[Response | None], Response],
    ) -> Response:
        """See `People.respond`."""
        for attempt in self._races():
            kept = self._get(items.response_key(account, survey_id, recipient_id))
            response = change(items.read_response(kept) if kept else None)
            try:
                self._writer.commit(answer(self._table, account, kept, response))
            except AnsweredMeanwhileError:
                self._pause(attempt)
            else:
                return response
        raise StoreBusyError

    def _races(self) -> range:
        return range(1, ATTEMPTS + 1)

    def response(self, account: str, survey_id: int, response_id: int) -> Response | None:
        """See `People.response`."""
        item = self._get(items.response_key(account, survey_id, response_id))
        return items.read_response(item) if item else None

    def responses(
        self,
        account: str,
        survey_id: int,
        *,
        category: Category | None = None,
        has_comment: bool | None = None,
        offset: int,
        limit: int,
    ) -> tuple[list[Response], int]:
        """See `People.responses`. Those that went with their TTL are counted still."""
        count = self.tally(account, survey_id).counted(category, has_comment=has_comment)
        found = self._stretch(
            invitations_pk(account, survey_id),
            "P#",
            offset=offset,
            limit=limit,
            where=items.response_filter(category, has_comment=has_comment),
        )
        return [items.read_response(item) for item in found], count

    def tally(self, account: str, survey_id: int) -> Tally:
        """See `People.tally`."""
        return items.read_tally(self._get(survey_key(account, survey_id)) or {})

    def changed_recipients(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[SurveyRecipient]:
        """See `People.changed_recipients`."""
        found, more = self._changed(items.recipients_lane(account), after or text_of(since), limit)
        return Page([items.read_recipient(item) for item in found], more)

    def changed_responses(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[Response]:
        """See `People.changed_responses`."""
        found, more = self._changed(items.responses_lane(account), after or text_of(since), limit)
        return Page([items.read_response(item) for item in found], more)

    def _changed(self, lane: str, beyond: str, limit: int) -> tuple[list[Kept], str | None]:
        marked = list(self._marked(lane, beyond, limit + 1))
        page = marked[:limit]
        keys = [{"pk": each["pk"], "sk": each["sk"]} for each in page]
        found = {(item["pk"]["S"], item["sk"]["S"]): item for item in self._get_all(keys)}
        records = [found.get((each["pk"]["S"], each["sk"]["S"])) for each in page]
        # What has changed since the index was told comes later, under its new mark.
        same = [
            item
            for item, each in zip(records, page, strict=True)
            if item and item["changed"] == each["changed"]
        ]
        return same, page[-1]["changed"]["S"] if len(marked) > limit else None

    def _marked(self, lane: str, beyond: str, most: int) -> "Iterator[Any]":
        with throttling_named():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName=items.CHANGES_INDEX,
                KeyConditionExpression="change_lane = :lane AND changed > :beyond",
                ExpressionAttributeValues={":lane": {"S": lane}, ":beyond": {"S": beyond}},
                PaginationConfig={"MaxItems": most},
            )
            for page in pages:
                yield from page["Items"]
