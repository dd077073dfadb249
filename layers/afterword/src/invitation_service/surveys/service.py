"""What the invitation service does, free of HTTP."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from invitation_service.access.limits import Limits
from invitation_service.answering.answers import Answers
from invitation_service.answering.results import Results
from invitation_service.delivering.records import Job
from invitation_service.directory.service import DirectoryService
from invitation_service.netquest.webhooks import Webhooks
from invitation_service.people.exports import Exports
from invitation_service.people.service import PeopleService
from invitation_service.surveys import bodies
from invitation_service.surveys.changes import UpdateSurvey
from invitation_service.surveys.models import CreateSurvey, Invitation, Survey, SurveyStatus
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    Remembered,
    StillSendingError,
    Store,
    StoreBusyError,
    UnknownSurveyError,
)
from invitation_service.web.errors import (
    IdempotentRequestError,
    RecordNotFoundError,
    still_sending,
    survey_closed,
)

# The vendor kept keys for two hours. Ours outlast an outage of a week with ease, so that a client
# that could not learn what became of its call may still ask by repeating it.
KEYS_ARE_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Created:
    """The outcome of a create call.

    Attributes:
        invitation_id: The invitation's id.
        survey_id: Its survey.
        created_at: UTC, whole seconds.
        repeated: Whether this is an earlier call's answer, given again.
    """

    invitation_id: int
    survey_id: int
    created_at: datetime
    repeated: bool

    def shown(self) -> dict[str, Any]:
        """Return what create answers: no status, no count; nothing was updated or delivered yet."""
        moment = self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "created_at": moment,
            "id": self.invitation_id,
            "survey_id": self.survey_id,
            "updated_at": moment,
        }


class InvitationService:
    """Surveys and invitations of one account at a time.

    Args:
        store: Where they are kept.
        clock: Returns the time of day in UTC.
        new_token: Makes a respondent's token that nobody can guess.
        tell: Told of each invitation that is to be mailed at once. It raises nothing: who is not
            told looks for himself, later.

    Attributes:
        directory: Its respondents and templates.
        webhooks: The webhooks' side of it.
        limits: How many calls may be made.
        people: Its recipients and responses.
        exports: What has changed.
        answers: What recipients say by the links of their mails.
        results: What became of its surveys.
        deliveries: How far its invitations are.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        new_token: Callable[[], str] = token_urlsafe,
        tell: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self._tell = tell
        self._store = store
        self._clock = clock
        self.directory = DirectoryService(store, self._now)
        self.webhooks = Webhooks(store, self._now, new_token, tell)
        self.limits = Limits(store, self._now)
        self.people = PeopleService(store, self._now)
        self.exports = Exports(store, self._now)
        self.answers = Answers(store, self._now)
        self.results = Results(store)
        self.deliveries = store

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)

    def create_survey(self, account: str, body: bytes) -> Survey:
        """Create a survey from `{"survey":{"name":…}}`: our own extension of the dialect.

        Raises:
            MalformedRequestError: The body is no JSON.
            RecordInvalidError: The name is missing or wrong.
        """
        request = bodies.read_model(CreateSurvey, bodies.read_json(body))
        return self._store.add_survey(account, request.survey.name, self._now())

    def survey(self, account: str, survey_id: int) -> Survey:
        """Return a survey.

        Raises:
            RecordNotFoundError: The account has no such survey.
        """
        survey = self._store.survey(account, survey_id)
        if survey is None:
            raise RecordNotFoundError
        return survey

    def surveys(self, account: str) -> list[Survey]:
        """Return all surveys, newest first."""
        return self._store.surveys(account)

    def update_survey(self, account: str, survey_id: int, body: bytes) -> Survey:
        """Change what `{"survey":{…}}` names.

        Raises:
            RecordNotFoundError: The account has no such survey.
            MalformedRequestError: The body is no JSON.
            RecordInvalidError: A field is wrong.
        """
        self.survey(account, survey_id)
        changes = bodies.read_model(UpdateSurvey, bodies.read_json(body)).survey
        return self._changed(account, survey_id, changes.given())

    def close_survey(self, account: str, survey_id: int) -> Survey:
        """Take no more invitations and answers; a survey that is closed already stays so.

        Raises:
            RecordNotFoundError: The account has no such survey.
        """
        survey = self.survey(account, survey_id)
        if survey.status is SurveyStatus.CLOSED:
            return survey
        return self._changed(account, survey_id, {"status": SurveyStatus.CLOSED})

    def _changed(self, account: str, survey_id: int, fields: Mapping[str, str | int]) -> Survey:
        survey = self._store.update_survey(account, survey_id, fields, self._now())
        if survey is None:
            raise RecordNotFoundError
        return survey

    def invitation(self, account: str, survey_id: int, invitation_id: int) -> Invitation:
        """Return an invitation.

        Raises:
            RecordNotFoundError: The account's survey has no such invitation.
        """
        invitation = self._store.invitation(account, survey_id, invitation_id)
        if invitation is None:
            raise RecordNotFoundError
        return invitation

    def invitations(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> tuple[list[Invitation], int]:
        """Return a stretch of a survey's invitations, newest first, and how many there are in all.

        Raises:
            RecordNotFoundError: The account has no such survey.
        """
        count = self.survey(account, survey_id).invitations
        return self._store.invitations(account, survey_id, offset=offset, limit=limit), count

    def create_invitation(
        self, account: str, survey_id: int, body: bytes, key: str | None = None
    ) -> Created:
        """Invite the recipients that the body names: all of them, or nobody.

        Args:
            account: Whose survey it is.
            survey_id: The survey.
            body: `{"invitation":{"recipients":[…]}}` in UTF-8, at most 10,000 recipients.
            key: The client's Idempotency-Key.

        Raises:
            RecordNotFoundError: The account has no such survey.
            IdempotentRequestError: The key came before, with another body.
            MalformedRequestError: The body is no JSON.
            TooManyValuesError: Too many recipients.
            RecordInvalidError: A field is missing or wrong, the survey is closed, or its earlier
                invitation is still being sent.
            StoreBusyError: Nothing was done; try again.
        """
        survey = self.survey(account, survey_id)
        now = self._now()
        idempotency = _idempotency(key, body, now) if key else None
        # Looked up before the body is read: a body that was good enough once gets its answer
        # again, even if this version would refuse it.
        if idempotency and (first := self._first(account, survey_id, idempotency, now)):
            return first
        if survey.status is not SurveyStatus.OPEN:
            raise survey_closed()
        new = NewInvitation(
            recipients=bodies.read_invitation(body).invitation.people(),
            created_at=now,
            idempotency=idempotency,
        )
        if survey.sending:
            raise still_sending()
        return self._add(account, survey_id, new)

    def _add(self, account: str, survey_id: int, new: NewInvitation) -> Created:
        try:
            invitation = self._store.add_invitation(account, survey_id, new)
        except UnknownSurveyError:
            raise RecordNotFoundError from None
        except StillSendingError:
            raise still_sending() from None
        except KeyTakenError:
            # A second call under the same key overtook this one after the look-up.
            first = new.idempotency and self._first(
                account, survey_id, new.idempotency, new.created_at
            )
            if not first:
                raise StoreBusyError from None
            return first
        self._tell(Job(account, survey_id, invitation.id))
        return Created(invitation.id, survey_id, invitation.created_at, repeated=False)

    def _first(
        self, account: str, survey_id: int, idempotency: Idempotency, now: datetime
    ) -> Created | None:
        first = self._store.remembered(account, survey_id, idempotency.key, now)
        if first is None:
            return None
        if first.fingerprint != idempotency.fingerprint:
            raise IdempotentRequestError
        return _again(first, survey_id)


def _again(first: Remembered, survey_id: int) -> Created:
    return Created(first.invitation_id, survey_id, first.created_at, repeated=True)


def _idempotency(key: str, body: bytes, now: datetime) -> Idempotency:
    return Idempotency(
        key=hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(),
        fingerprint=hashlib.sha256(body).hexdigest(),
        kept_until=now + KEYS_ARE_KEPT,
    )
