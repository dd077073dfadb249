"""What the service needs of its memory. `memory` and `dynamodb` keep this promise alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from invitation_service.access.limits import Meter
from invitation_service.delivering.store import Deliveries
from invitation_service.directory.records import Directory
from invitation_service.people.store import People
from invitation_service.surveys.models import Invitation, Mailing, Recipient, Status, Survey

# Whoever was told at once has begun by then.
LOST_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first answer under an Idempotency-Key.

    Attributes:
        fingerprint: Hash of the body that came with the key.
        invitation_id: What that call created.
        created_at: When, in UTC.
    """

    fingerprint: str
    invitation_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """An Idempotency-Key as it is kept, with the hash of its body.

    Attributes:
        key: Hash of the client's key.
        fingerprint: Hash of the body.
        kept_until: From this moment on, the key is free again.
    """

    key: str
    fingerprint: str
    kept_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many invitations may still be made.

    Attributes:
        counter: What is counted by: a webhook account and its period.
        limit: How many there may be, at least 1.
    """

    counter: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """An invitation that is about to be created.

    Attributes:
        recipients: Each address once; none beside a mailing, which names its respondent itself.
        created_at: UTC, whole seconds.
        idempotency: The client's key, if it sent one, or what else must not come twice.
        mailing: What a webhook asked for.
        quota: What it is counted against.
    """

    recipients: Sequence[Recipient] = ()
    created_at: datetime
    idempotency: Idempotency | None = None
    mailing: Mailing | None = None
    quota: Quota | None = None

    @property
    def total(self) -> int:
        """How many it invites."""
        return 1 if self.mailing else len(self.recipients)

    @property
    def is_for_later(self) -> bool:
        """Whether it is not to be mailed yet."""
        return self.mailing is not None and self.mailing.due_at > self.created_at

    @property
    def due(self) -> datetime:
        """When somebody must look after it, even if nobody told that it is there."""
        if self.mailing and self.is_for_later:
            return self.mailing.due_at
        return self.created_at + LOST_AFTER

    def numbered(self, invitation_id: int, survey_id: int) -> Invitation:
        """Return the invitation as it is kept under its id."""
        return Invitation(
            id=invitation_id,
            survey_id=survey_id,
            status=Status.SCHEDULED if self.mailing else Status.PREPARING,
            recipients_count=self.total,
            created_at=self.created_at,
            updated_at=self.created_at,
            mailing=self.mailing,
        )


class KeyTakenError(Exception):
    """Another call under the same Idempotency-Key was first; nothing was created."""


class UnknownSurveyError(Exception):
    """The survey does not exist in this account; nothing was created."""


class StoreBusyError(Exception):
    """The store refused for now, and it is certain that nothing was created."""


class StillSendingError(Exception):
    """The survey's earlier invitation is still being sent; nothing was created."""


class QuotaReachedError(Exception):
    """The quota's period has had all its invitations; nothing was created."""


class Store(Deliveries, Directory, Meter, People, Protocol):
    """Surveys, invitations, idempotency keys and quotas of every account, with all else it keeps.

    Each method sees one account only. Ids ascend within an account; a call that fails may leave a
    gap. What a method wrote, the next call sees. Each method may raise StoreBusyError.
    """

    def add_survey(self, account: str, name: str, created_at: datetime) -> Survey:
        """Keep a new survey under the account's next survey id."""
        ...

    def put_survey(self, account: str, survey_id: int, name: str, now: datetime) -> Survey:
        """Keep a survey under an id of the caller's, or give it another name.

        No survey gets an id below it any more, except by this method.
        """
        ...

    def survey(self, account: str, survey_id: int) -> Survey | None:
        """Return a survey with the number of its invitations, or None."""
        ...

    def surveys(self, account: str) -> list[Survey]:
        """Return all surveys, newest id first: some dozens, for each was made by hand."""
        ...

    def update_survey(
        self, account: str, survey_id: int, fields: Mapping[str, str | int], now: datetime
    ) -> Survey | None:
        """Change a survey's name, status or settings and return it, or None if there is none.

        Args:
            account: Whose survey it is.
            survey_id: The survey.
            fields: Names and values of what changes; the rest stays.
            now: When, in UTC.
        """
        ...

    def remembered(
        self, account: str, survey_id: int, key: str, now: datetime
    ) -> Remembered | None:
        """Return the first answer under a key (its hash), None if there is none or it expired."""
        ...

    def add_invitation(self, account: str, survey_id: int, new: NewInvitation) -> Invitation:
        """Make an invitation visible, with all its recipients and its key, or do nothing.

        Raises:
            KeyTakenError: The key is taken and has not expired at `new.created_at`.
            UnknownSurveyError: There is no such survey.
            StillSendingError: An earlier one with recipients is still being sent; mailings do not
                mind.
            QuotaReachedError: The limit is reached. Concurrent calls never exceed it.
            StoreBusyError: Throttled or contended for too long.
        """
        ...

    def invitation(self, account: str, survey_id: int, invitation_id: int) -> Invitation | None:
        """Return one invitation, or None."""
        ...

    def invitations(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> list[Invitation]:
        """Return up to `limit` invitations, newest first, after skipping `offset`."""
        ...

    def recipients(self, account: str, survey_id: int, invitation_id: int) -> Iterable[Recipient]:
        """Return an invitation's recipients in the order they came; none if it is unknown."""
        ...
