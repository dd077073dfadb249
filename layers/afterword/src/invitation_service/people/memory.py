"""The in-memory twin of what is kept of people."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from invitation_service.people.items import change_mark
from invitation_service.people.records import (
    Category,
    Response,
    SurveyRecipient,
    Tally,
    user_id_of,
)
from invitation_service.people.store import (
    NewRecipient,
    Page,
    SurveyClosedError,
    UnknownRecipientError,
)
from invitation_service.surveys.items import text_of
from invitation_service.surveys.models import Survey, SurveyStatus
from invitation_service.surveys.store import UnknownSurveyError

_MOST_AT_AN_ADDRESS = 100


class InMemoryPeople(ABC):
    """Keeps everything in dictionaries; see `People` for what each method promises."""

    def __init__(self) -> None:
        super().__init__()
        self._people: dict[tuple[str, int], dict[int, SurveyRecipient]] = defaultdict(dict)
        self._responses: dict[tuple[str, int], dict[int, Response]] = defaultdict(dict)

    @abstractmethod
    def survey(self, account: str, survey_id: int) -> Survey | None:
        """Return a survey, or None."""

    @abstractmethod
    def _next_id(self, account: str, kind: str) -> int:
        """Return the account's next id of a kind."""

    def add_recipient(self, account: str, survey_id: int, new: NewRecipient) -> SurveyRecipient:
        """See `People.add_recipient`."""
        if self.survey(account, survey_id) is None:
            raise UnknownSurveyError
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
        self._people[account, survey_id][recipient.id] = recipient
        return recipient

    def put_recipient(self, account: str, recipient: SurveyRecipient) -> None:
        """See `People.put_recipient`."""
        known = self.recipient(account, recipient.survey_id, recipient.id)
        if known is None:
            raise UnknownRecipientError
        changes = recipient.model_dump(include={"email", "name", "locale", "updated_at"})
        changes["user_id"] = user_id_of(account, recipient.email)
        self._people[account, recipient.survey_id][recipient.id] = known.model_copy(update=changes)

    def recipient(self, account: str, survey_id: int, recipient_id: int) -> SurveyRecipient | None:
        """See `People.recipient`."""
        return self._people[account, survey_id].get(recipient_id)

    def recipients_named(
        self, account: str, places: Sequence[tuple[int, int]]
    ) -> list[SurveyRecipient]:
        """See `People.recipients_named`."""
        return [found for place in places if (found := self.recipient(account, *place))]

    def recipients_of_survey(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> tuple[list[SurveyRecipient], int]:
        """See `People.recipients_of_survey`."""
        found = _newest_first(self._people[account, survey_id])
        return found[offset : offset + limit], len(found)

    def recipients_at(self, account: str, survey_id: int, email: str) -> list[SurveyRecipient]:
        """See `People.recipients_at`."""
        found = _newest_first(self._people[account, survey_id])
        same = [each for each in found if each.email.casefold() == email.casefold()]
        return same[:_MOST_AT_AN_ADDRESS]

    def respond(
        self,
        account: str,
        survey_id: int,
        recipient_id: int,
        change: Callable[[Response | None], Response],
    ) -> Response:
        """See `People.respond`."""
        survey, recipient = (
            self.survey(account, survey_id),
            self.recipient(account, survey_id, recipient_id),
        )
        if recipient is None or survey is None:
            raise UnknownRecipientError
        if survey.status is not SurveyStatus.OPEN:
            raise SurveyClosedError
        response = change(self.response(account, survey_id, recipient_id))
        self._responses[account, survey_id][recipient_id] = response
        self._people[account, survey_id][recipient_id] = recipient.model_copy(
            update={"updated_at": response.updated_at}
        )
        return response

    def response(self, account: str, survey_id: int, response_id: int) -> Response | None:
        """See `People.response`."""
        return self._responses[account, survey_id].get(response_id)

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
        """See `People.responses`."""
        found = [
            each
            for each in _newest_first(self._responses[account, survey_id])
            if category in {None, each.category} and has_comment in {None, bool(each.comment)}
        ]
        return found[offset : offset + limit], len(found)

    def tally(self, account: str, survey_id: int) -> Tally:
        """See `People.tally`."""
        counts: dict[str, int] = defaultdict(int)
        for response in self._responses[account, survey_id].values():
            for counter in response.counters:
                counts[counter] += 1
        return Tally(**counts)

    def changed_recipients(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[SurveyRecipient]:
        """See `People.changed_recipients`."""
        everybody = [
            each
            for place, kept in self._people.items()
            if place[0] == account
            for each in kept.values()
        ]
        return _page(everybody, since, after, limit)

    def changed_responses(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[Response]:
        """See `People.changed_responses`."""
        all_of_them = [
            each
            for place, kept in self._responses.items()
            if place[0] == account
            for each in kept.values()
        ]
        return _page(all_of_them, since, after, limit)


def _newest_first[Record](by_id: dict[int, Record]) -> list[Record]:
    return [by_id[number] for number in sorted(by_id, reverse=True)]


def _page[Record: (SurveyRecipient, Response)](
    records: Iterable[Record], since: datetime, after: str | None, limit: int
) -> Page[Record]:
    beginning = after or text_of(since)
    found = sorted((each for each in records if change_mark(each) > beginning), key=change_mark)
    page = found[:limit]
    return Page(page, change_mark(page[-1]) if len(found) > limit else None)
