"""What has changed since a moment, over all surveys, page by page.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_incremental_exports_-_recipients/
https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_incremental_exports_-_responses/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from invitation_service.people.items import change_mark
from invitation_service.people.records import Response, SurveyRecipient
from invitation_service.people.store import Page, People
from invitation_service.surveys.models import Survey

PAGE_RECORDS = 1_000
# Lambda's answers have 6 MB, and JSON in JSON makes three bytes more of a quotation mark:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_COMMENT_BYTES = 1_250_000
# The index follows the table within moments; an export begins where it is long since in step.
SETTLED_AFTER = timedelta(minutes=5)

type Turn[Record] = Callable[[str, datetime, str | None, int], Page[Record]]


class Memory(People, Protocol):
    """What exports need to remember."""

    def surveys(self, account: str) -> list[Survey]:
        """Return all surveys."""
        ...


@dataclass(frozen=True, slots=True)
class Export:
    """A page of an export.

    Attributes:
        records: What clients see, in the order in which it changed.
        end_time: From when on the next export may begin, without a gap; perhaps with a repetition.
        after: Where the next page begins; None if this is the last one.
    """

    records: list[dict[str, Any]]
    end_time: datetime
    after: str | None


class Exports:
    """Exports one account at a time.

    Args:
        store: Where everything is kept.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, store: Memory, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def is_settled(self, since: datetime) -> bool:
        """Say whether an export may begin there: five minutes ago or earlier."""
        return since <= self._now() - SETTLED_AFTER

    def recipients(self, account: str, since: datetime, after: str | None) -> Export:
        """Return a page of recipients that changed at `since` or later."""
        page = _full(self._changed_recipients, account, since, after)
        names = self._survey_names(account)
        shown = [_recipient(each, names) for each in page.records]
        return Export(shown, self._end_time(page.records, since), page.after)

    def responses(self, account: str, since: datetime, after: str | None) -> Export:
        """Return a page of responses that changed at `since` or later."""
        page = _fitting(_full(self._changed_responses, account, since, after))
        names = self._survey_names(account)
        places = [(each.survey_id, each.recipient_id) for each in page.records]
        people = {each.id: each for each in self._store.recipients_named(account, places)}
        shown = [_response(each, people.get(each.recipient_id), names) for each in page.records]
        return Export(shown, self._end_time(page.records, since), page.after)

    def _survey_names(self, account: str) -> dict[int, str]:
        return {each.id: each.name for each in self._store.surveys(account)}

    def _changed_recipients(
        self, account: str, since: datetime, after: str | None, limit: int
    ) -> Page[SurveyRecipient]:
        return self._store.changed_recipients(account, since, after=after, limit=limit)

    def _changed_responses(
        self, account: str, since: datetime, after: str | None, limit: int
    ) -> Page[Response]:
        return self._store.changed_responses(account, since, after=after, limit=limit)

    def _end_time(
        self, records: "list[SurveyRecipient] | list[Response]", since: datetime
    ) -> datetime:
        # What changed lately may not be in the index yet, though later changes are.
        last = records[-1].updated_at if records else since
        return min(last, self._now() - SETTLED_AFTER)


@dataclass(frozen=True, slots=True)
class _Full[Record]:
    records: list[Record]
    after: str | None


def _full[Record](
    turn: Turn[Record], account: str, since: datetime, after: str | None
) -> _Full[Record]:
    # zdesk takes a page with fewer records for the last one, and the store's may have gaps.
    records: list[Record] = []
    while True:
        page = turn(account, since, after, PAGE_RECORDS - len(records))
        records += page.records
        after = page.after
        if after is None or len(records) >= PAGE_RECORDS:
            return _Full(records, after)


def _fitting(page: _Full[Response]) -> _Full[Response]:
    """Return as much of a page as surely fits into an answer."""
    size = 0
    for number, each in enumerate(page.records):
        size += len((each.comment or "").encode())
        if number and size > MOST_COMMENT_BYTES:
            return _Full(page.records[:number], change_mark(page.records[number - 1]))
    return page


def _recipient(recipient: SurveyRecipient, surveys: Mapping[int, str]) -> dict[str, Any]:
    kept = recipient.model_dump(
        mode="json",
        include={"id", "survey_id", "user_id", "created_at", "delivered_at", "updated_at"},
    )
    return {
        **kept,
        "delivery_id": recipient.invitation_id,
        "survey_name": surveys.get(recipient.survey_id),
        "user_email": recipient.email,
        "user_name": recipient.name,
    }


def _response(
    response: Response, recipient: SurveyRecipient | None, surveys: Mapping[int, str]
) -> dict[str, Any]:
    kept = response.model_dump(
        mode="json", include={"id", "survey_id", "recipient_id", "rating", "comment", "updated_at"}
    )
    person = recipient.model_dump(mode="json") if recipient else {}
    return {
        **{name: value for name, value in kept.items() if name != "updated_at"},
        "rated_at": kept["updated_at"],
        "survey_name": surveys.get(response.survey_id),
        "delivered_at": person.get("delivered_at"),
        "delivery_id": person.get("invitation_id"),
        "user_email": person.get("email"),
        "user_id": person.get("user_id"),
        "user_name": person.get("name"),
    }
