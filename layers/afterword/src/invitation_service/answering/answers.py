"""What a recipient can do with the links in a mail, free of HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from invitation_service.answering.links import Who
from invitation_service.people.records import Response, SurveyRecipient
from invitation_service.people.store import UnknownRecipientError
from invitation_service.surveys.models import Survey, SurveyStatus
from invitation_service.surveys.store import Store


class GoneError(Exception):
    """The link is one of ours, but what it leads to is not kept any more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to.

    Attributes:
        survey: The survey.
        recipient: Whom the link was mailed to.
        response: What they have answered; None before that.
    """

    survey: Survey
    recipient: SurveyRecipient
    response: Response | None

    @property
    def is_open(self) -> bool:
        """Whether the survey takes answers."""
        return self.survey.status is SurveyStatus.OPEN


class Answers:
    """Takes answers and unsubscribes. Each method may raise StoreBusyError: nothing was done.

    Args:
        store: Where everything is kept.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def open(self, who: Who) -> Opened:
        """Look up what a link leads to; nothing is recorded.

        Raises:
            GoneError: It is not kept any more.
        """
        survey = self._store.survey(who.account, who.survey_id)
        recipient = self._store.recipient(who.account, who.survey_id, who.recipient_id)
        if survey is None or recipient is None:
            raise GoneError
        response = self._store.response(who.account, who.survey_id, who.recipient_id)
        return Opened(survey, recipient, response)

    def answer(self, who: Who, score: int, comment: str | None) -> None:
        """Record an answer, in place of an earlier one.

        Args:
            who: Who answers.
            score: From 0 to 10.
            comment: Up to 5,000 characters; None for none.

        Raises:
            GoneError: The recipient is not kept any more.
            SurveyClosedError: The survey takes no answers any more.
        """
        now = self._now()

        def change(earlier: Response | None) -> Response:
            return Response(
                id=who.recipient_id,
                survey_id=who.survey_id,
                recipient_id=who.recipient_id,
                rating=score,
                comment=comment,
                created_at=earlier.created_at if earlier else now,
                updated_at=now,
            )

        try:
            self._store.respond(who.account, who.survey_id, who.recipient_id, change)
        except UnknownRecipientError:
            raise GoneError from None

    def is_unsubscribed(self, who: Who) -> bool:
        """Say whether the recipient's address gets no mails of this account.

        Raises:
            GoneError: The recipient is not kept any more.
        """
        return self._store.is_unsubscribed(who.account, self.open(who).recipient.email)

    def set_unsubscribed(self, who: Who, *, unsubscribed: bool) -> None:
        """Have the recipient's address get no mails of this account, or get them again.

        Raises:
            GoneError: The recipient is not kept any more.
        """
        email = self.open(who).recipient.email
        self._store.set_unsubscribed(who.account, email, unsubscribed=unsubscribed)
