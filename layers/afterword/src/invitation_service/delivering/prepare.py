"""Makes the people that an invitation names its recipients, a stretch at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched, islice

from invitation_service.delivering.records import Progress
from invitation_service.delivering.rules import SECONDS_FOR_A_STRETCH, STRETCH
from invitation_service.people.records import Delivery, SurveyRecipient, user_id_of
from invitation_service.surveys.models import Recipient
from invitation_service.surveys.store import Store


class Preparer:
    """Prepares invitations; what is kept already stays, whoever comes again.

    Args:
        store: Where they are kept.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def prepare(self, progress: Progress, seconds_left: Callable[[], float]) -> bool:
        """Keep recipients until all are there, or time runs out.

        Args:
            progress: The invitation, as it was read.
            seconds_left: Returns for how long this may go on.

        Returns:
            Whether all are there.

        Raises:
            MovedMeanwhileError: Somebody else is at it.
        """
        first = self._store.number(progress.job)
        for people in batched(self._named(progress), STRETCH, strict=False):
            if seconds_left() < SECONDS_FOR_A_STRETCH:
                return False
            recipients = self._recipients(progress, first + progress.prepared, people)
            progress = self._unfold(progress, recipients, len(people))
        if not progress.is_prepared:
            # Nobody is there any more: a respondent was deleted, or a year has gone by.
            self._unfold(progress, (), progress.total - progress.prepared)
        return True

    def _unfold(
        self, progress: Progress, recipients: Sequence[SurveyRecipient], named: int
    ) -> Progress:
        self._store.unfold(progress, recipients, named)
        return replace(progress, prepared=progress.prepared + named)

    def _named(self, progress: Progress) -> Iterable[Recipient]:
        job, mailing = progress.job, progress.invitation.mailing
        if mailing is None:
            everybody = self._store.recipients(job.account, job.survey_id, job.invitation_id)
            return islice(everybody, progress.prepared, None)
        respondent = self._store.respondent(job.account, mailing.token)
        if respondent is None:
            return ()
        language = respondent.language
        return [Recipient.model_construct(email=respondent.email, name="", language=language)]

    def _recipients(
        self, progress: Progress, first: int, people: Sequence[Recipient]
    ) -> list[SurveyRecipient]:
        job, now = progress.job, self._now()
        away = self._store.unsubscribed_among(job.account, [each.email for each in people])
        return [
            SurveyRecipient.model_construct(
                id=number,
                survey_id=job.survey_id,
                invitation_id=job.invitation_id,
                email=each.email,
                name=each.name,
                locale=each.language,
                user_id=user_id_of(job.account, each.email),
                created_at=now,
                updated_at=now,
                delivery=Delivery.SUPPRESSED if each.email in away else Delivery.WAITING,
                reason="unsubscribed" if each.email in away else None,
            )
            for number, each in enumerate(people, first)
        ]
