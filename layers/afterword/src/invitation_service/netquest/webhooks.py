"""What the webhooks that invite do, free of HTTP."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from invitation_service.access.accounts import WebhookAccount
from invitation_service.delivering.records import Job
from invitation_service.directory.records import Respondent, is_token
from invitation_service.netquest.calls import AddressCall, Call, TokenCall, read_call
from invitation_service.netquest.respondents import Respondents
from invitation_service.netquest.survey_list import SurveyList
from invitation_service.surveys.models import Mailing, SurveyStatus
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    QuotaReachedError,
    Store,
    StoreBusyError,
    UnknownSurveyError,
)
from invitation_service.web.errors import WebhookError

# The dialect has no idempotency key, and whatever opens a link triggers it: mail scanners, previews,
# a client that heard no answer. Longer than any of these waits, shorter than a customer's next visit.
REPEATS_COUNT_ONCE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The outcome of a call that invites.

    Attributes:
        survey_id: The survey.
        invitation_id: The invitation's id.
        repeated: Whether an earlier call made it.
    """

    survey_id: int
    invitation_id: int
    repeated: bool


class Webhooks:
    """Invites for one caller at a time.

    Each webhook raises WebhookError if it does not do what it is asked for, and StoreBusyError if
    the caller should try again.

    Args:
        store: Where everything is kept.
        now: Returns the time in UTC, in whole seconds.
        new_token: Makes a token that nobody can guess.
        tell: Told of each invitation that is to be mailed at once.

    Attributes:
        respondents: The webhooks about respondents.
        surveys: The webhook about surveys.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        new_token: Callable[[], str],
        tell: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._now = now
        self._tell = tell
        self.respondents = Respondents(store, now, new_token)
        self.surveys = SurveyList(store)

    def invite_token(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> Scheduled:
        """`send-invitation-to-token`: invite a respondent who is known."""
        call = read_call(TokenCall, parameters)
        self._look_for_survey_and_template(caller.account, call)
        known = is_token(call.token)
        respondent = self._store.respondent(caller.account, call.token) if known else None
        if respondent is None:
            raise WebhookError("token not found")
        self._refuse_unsubscribed(caller.account, respondent.email)
        return self._invite(caller, call, respondent)

    def invite_address(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> Scheduled:
        """`send-invitation`: invite an address; who it belongs to need not be known yet."""
        call = read_call(AddressCall, parameters)
        self._look_for_survey_and_template(caller.account, call)
        self._refuse_unsubscribed(caller.account, call.email)
        respondent = self.respondents.at(caller.account, call.email, call.labels)
        return self._invite(caller, call, respondent)

    def _look_for_survey_and_template(self, account: str, call: Call) -> None:
        survey = self._store.survey(account, call.id_survey)
        if survey is None:
            raise WebhookError("Survey not found")
        if survey.status is not SurveyStatus.OPEN:
            raise WebhookError("Survey is closed")
        if self._store.template(account, call.id_template) is None:
            raise WebhookError("Template not found")

    def _refuse_unsubscribed(self, account: str, email: str) -> None:
        if self._store.is_unsubscribed(account, email):
            raise WebhookError("Respondents not found")

    def _invite(self, caller: WebhookAccount, call: Call, respondent: Respondent) -> Scheduled:
        now = self._now()
        once = Idempotency(
            # A line break, which no header has: a client's Idempotency-Key can't be the same.
            key=_hash(f"webhook\n{respondent.token}"),
            fingerprint=_hash(f"{call.id_template} {call.delay} {call.footer}"),
            kept_until=now + REPEATS_COUNT_ONCE_FOR,
        )
        mailing = Mailing(
            token=respondent.token,
            template_id=call.id_template,
            due_at=now + timedelta(minutes=call.delay),
            footer=call.footer,
        )
        new = NewInvitation(
            created_at=now, idempotency=once, mailing=mailing, quota=caller.quota_at(now)
        )
        try:
            made = self._store.add_invitation(caller.account, call.id_survey, new)
        except KeyTakenError:
            return self._again(caller.account, call.id_survey, once, now)
        except QuotaReachedError:
            raise WebhookError("Invitations limit has been reached") from None
        except UnknownSurveyError:
            raise WebhookError("Survey not found") from None
        if not new.is_for_later:
            self._tell(Job(caller.account, call.id_survey, made.id))
        return Scheduled(call.id_survey, made.id, repeated=False)

    def _again(self, account: str, survey_id: int, once: Idempotency, now: datetime) -> Scheduled:
        first = self._store.remembered(account, survey_id, once.key, now)
        if first is None:
            raise StoreBusyError
        if first.fingerprint != once.fingerprint:
            raise WebhookError("Respondent has just been invited")
        return Scheduled(survey_id, first.invitation_id, repeated=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
