"""What the service needs of its memory of recipients and responses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from invitation_service.people.records import Category, Response, SurveyRecipient, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecipient:
    """A recipient that a client's call adds: nobody mails them."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    locale: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page[Record]:
    """A page of an export.

    Attributes:
        records: In the order in which they changed; those of the same second in a lasting order.
        after: Where the next page begins; None if this was the last one.
    """

    records: Sequence[Record]
    after: str | None


class UnknownRecipientError(Exception):
    """There is no such recipient; nothing was written."""


class SurveyClosedError(Exception):
    """The survey takes no answers any more; nothing was written."""


class People(Protocol):
    """Recipients and responses of every account.

    Each method sees one account only and may raise StoreBusyError: nothing was done. Addresses are
    the same without regard to case. What a method wrote, the next call sees; exports may lag.
    """

    def add_recipient(self, account: str, survey_id: int, new: NewRecipient) -> SurveyRecipient:
        """Keep a recipient under the account's next recipient id.

        Raises:
            UnknownSurveyError: There is no such survey.
        """
        ...

    def put_recipient(self, account: str, recipient: SurveyRecipient) -> None:
        """Keep changes of `email`, `name`, `locale` and `updated_at`; other fields stay.

        Only `user_id` follows the address.

        Raises:
            UnknownRecipientError: There is none with its survey and id.
        """
        ...

    def recipient(self, account: str, survey_id: int, recipient_id: int) -> SurveyRecipient | None:
        """Return a recipient, or None."""
        ...

    def recipients_named(
        self, account: str, places: Sequence[tuple[int, int]]
    ) -> list[SurveyRecipient]:
        """Return recipients by survey and id, up to 1,000 in bulk; who is unknown is left out.

        It may lag: an export's page of responses asks for the names beside them.
        """
        ...

    def recipients_of_survey(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> tuple[list[SurveyRecipient], int]:
        """Return a stretch of a survey's recipients, newest first, and how many there are."""
        ...

    def recipients_at(self, account: str, survey_id: int, email: str) -> list[SurveyRecipient]:
        """Return a survey's recipients with an address, newest first; at most 100."""
        ...

    def respond(
        self,
        account: str,
        survey_id: int,
        recipient_id: int,
        change: Callable[[Response | None], Response],
    ) -> Response:
        """Keep a recipient's answer, with the survey's tally and the recipient's `updated_at`.

        Args:
            account: Whose survey it is.
            survey_id: The survey.
            recipient_id: Who answers.
            change: Makes the new answer of the one that is there; may be called again after a race.

        Raises:
            UnknownRecipientError: There is no such recipient in this survey.
            SurveyClosedError: The survey is not open.
        """
        ...

    def response(self, account: str, survey_id: int, response_id: int) -> Response | None:
        """Return a response, or None."""
        ...

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
        """Return a stretch of a survey's responses, newest id first, and how many pass the filters."""
        ...

    def tally(self, account: str, survey_id: int) -> Tally:
        """Return a survey's tally; all zero if there is no such survey."""
        ...

    def changed_recipients(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[SurveyRecipient]:
        """Return recipients of all surveys that changed at `since` or later."""
        ...

    def changed_responses(
        self, account: str, since: datetime, *, after: str | None, limit: int
    ) -> Page[Response]:
        """Return responses of all surveys that changed at `since` or later."""
        ...
