"""What an invitation's mails say, for each of its recipients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

from invitation_service.answering.links import Links, Who
from invitation_service.delivering.records import Progress
from invitation_service.directory.records import Template
from invitation_service.mailing.compose import Letter, LetterLinks, compose
from invitation_service.mailing.settings import Sender
from invitation_service.people.records import HIGHEST_RATING, LOWEST_RATING, SurveyRecipient
from invitation_service.surveys.models import Survey, SurveyStatus
from invitation_service.surveys.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What all mails of an invitation have in common."""

    account: str
    survey: Survey
    template: Template | None = None
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    respondent: str = field(default="", repr=False)
    footer: bool = True


class Letters:
    """Writes mails.

    Args:
        store: Where surveys, templates and respondents are.
        links: Makes the links.
        write: Makes a mail.
    """

    def __init__(
        self,
        store: Store,
        links: Links,
        write: Callable[[Letter, Sender, LetterLinks], EmailMessage] = compose,
    ) -> None:
        self._store = store
        self._links = links
        self._write = write

    def subject(self, progress: Progress) -> Subject | str:
        """Return what an invitation's mails are about.

        Returns:
            The subject; or a short word of ours that says why nobody is to be mailed.
        """
        job, mailing = progress.job, progress.invitation.mailing
        survey = self._store.survey(job.account, job.survey_id)
        if survey is None or survey.status is not SurveyStatus.OPEN:
            return "survey_closed"
        if mailing is None:
            return Subject(account=job.account, survey=survey)
        respondent = self._store.respondent(job.account, mailing.token)
        if respondent is None:
            return "respondent_gone"
        return Subject(
            account=job.account,
            survey=survey,
            template=self._store.template(job.account, mailing.template_id),
            labels=respondent.labels,
            respondent=respondent.token,
            footer=mailing.footer,
        )

    def write(
        self, subject: Subject, recipient: SurveyRecipient, sender: Sender, date: datetime
    ) -> EmailMessage:
        """Return the mail to one recipient."""
        who = Who(subject.account, recipient.survey_id, recipient.id)
        scores = [
            self._links.score_url(who, each) for each in range(LOWEST_RATING, HIGHEST_RATING + 1)
        ]
        links = LetterLinks(scores, self._links.score_url(who), self._links.unsubscribe_url(who))
        letter = Letter(
            account=subject.account,
            survey=subject.survey,
            recipient=recipient,
            template=subject.template,
            labels=subject.labels,
            respondent=subject.respondent,
            footer=subject.footer,
            date=date,
        )
        return self._write(letter, sender, links)
