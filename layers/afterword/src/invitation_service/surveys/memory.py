"""The store's in-memory twin: for unit tests, and as the shortest description of the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from invitation_service.access.meters import InMemoryMeter
from invitation_service.delivering.memory import InMemoryDeliveries
from invitation_service.directory.memory import InMemoryDirectory
from invitation_service.people.memory import InMemoryPeople
from invitation_service.surveys.changes import is_setting
from invitation_service.surveys.models import Invitation, Recipient, Survey
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    Quota,
    QuotaReachedError,
    Remembered,
    StillSendingError,
    UnknownSurveyError,
)


class InMemoryStore(InMemoryDirectory, InMemoryMeter, InMemoryPeople, InMemoryDeliveries):
    """Keeps everything in dictionaries; see `Store` for what each method promises."""

    def __init__(self) -> None:
        super().__init__()
        self._last_ids: dict[tuple[str, str], int] = defaultdict(int)
        self._surveys: dict[tuple[str, int], Survey] = {}
        self._invitations: dict[tuple[str, int], dict[int, Invitation]] = defaultdict(dict)
        self._recipients: dict[tuple[str, int, int], list[Recipient]] = {}
        self._keys: dict[tuple[str, int, str], tuple[Idempotency, Remembered]] = {}
        self._used: dict[tuple[str, str], int] = defaultdict(int)

    def _next_id(self, account: str, kind: str) -> int:
        return self._reserve_ids(account, kind, 1)[0]

    def _reserve_ids(self, account: str, kind: str, count: int) -> range:
        self._last_ids[account, kind] += count
        last = self._last_ids[account, kind]
        return range(last - count + 1, last + 1)

    def add_survey(self, account: str, name: str, created_at: datetime) -> Survey:
        """See `Store.add_survey`."""
        survey_id = self._next_id(account, "surveys")
        survey = Survey(id=survey_id, name=name, created_at=created_at, updated_at=created_at)
        self._surveys[account, survey_id] = survey
        return survey

    def put_survey(self, account: str, survey_id: int, name: str, now: datetime) -> Survey:
        """See `Store.put_survey`."""
        known = self._surveys.get((account, survey_id))
        new = known or Survey(id=survey_id, name=name, created_at=now, updated_at=now)
        self._surveys[account, survey_id] = new.model_copy(update={"name": name, "updated_at": now})
        last = self._last_ids[account, "surveys"]
        self._last_ids[account, "surveys"] = max(last, survey_id)
        count = len(self._invitations[account, survey_id])
        return self._surveys[account, survey_id].model_copy(update={"invitations": count})

    def survey(self, account: str, survey_id: int) -> Survey | None:
        """See `Store.survey`."""
        survey = self._surveys.get((account, survey_id))
        if survey is None:
            return None
        count = len(self._invitations[account, survey_id])
        return survey.model_copy(update={"invitations": count})

    def surveys(self, account: str) -> list[Survey]:
        """See `Store.surveys`."""
        ids = sorted((number for owner, number in self._surveys if owner == account), reverse=True)
        return [found for number in ids if (found := self.survey(account, number))]

    def update_survey(
        self, account: str, survey_id: int, fields: Mapping[str, str | int], now: datetime
    ) -> Survey | None:
        """See `Store.update_survey`."""
        known = self._surveys.get((account, survey_id))
        if known is None:
            return None
        settings = {name: value for name, value in fields.items() if is_setting(name)}
        others = {name: value for name, value in fields.items() if not is_setting(name)}
        kept = known.model_dump() | others | {"updated_at": now}
        kept["settings"] |= settings
        self._surveys[account, survey_id] = Survey.model_validate(kept)
        return self.survey(account, survey_id)

    def remembered(
        self, account: str, survey_id: int, key: str, now: datetime
    ) -> Remembered | None:
        """See `Store.remembered`."""
        kept, first = self._keys.get((account, survey_id, key), (None, None))
        return first if kept and now < kept.kept_until else None

    def add_invitation(self, account: str, survey_id: int, new: NewInvitation) -> Invitation:
        """See `Store.add_invitation`."""
        key = new.idempotency
        if key and self.remembered(account, survey_id, key.key, new.created_at):
            raise KeyTakenError
        survey = self._surveys.get((account, survey_id))
        if survey is None:
            raise UnknownSurveyError
        if survey.sending and not new.mailing:
            raise StillSendingError
        if new.quota:
            self._use(account, new.quota)
        invitation = new.numbered(self._next_id(account, "invitations"), survey_id)
        self._invitations[account, survey_id][invitation.id] = invitation
        self._recipients[account, survey_id, invitation.id] = list(new.recipients)
        if not new.mailing:
            sending = survey.model_copy(update={"sending": invitation.id})
            self._surveys[account, survey_id] = sending
        self._begin(account, invitation, new.total, new.due)
        if key:
            first = Remembered(key.fingerprint, invitation.id, new.created_at)
            self._keys[account, survey_id, key.key] = (key, first)
        return invitation

    def _use(self, account: str, quota: Quota) -> None:
        if self._used[account, quota.counter] >= quota.limit:
            raise QuotaReachedError
        self._used[account, quota.counter] += 1

    def invitation(self, account: str, survey_id: int, invitation_id: int) -> Invitation | None:
        """See `Store.invitation`."""
        return self._invitations[account, survey_id].get(invitation_id)

    def invitations(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> list[Invitation]:
        """See `Store.invitations`."""
        newest_first = sorted(
            self._invitations[account, survey_id].values(), key=lambda each: -each.id
        )
        return newest_first[offset : offset + limit]

    def recipients(self, account: str, survey_id: int, invitation_id: int) -> Iterable[Recipient]:
        """See `Store.recipients`."""
        return tuple(self._recipients.get((account, survey_id, invitation_id), ()))
