"""The in-memory twin of what is known of invitations on their way."""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from invitation_service.delivering.records import Addressee, Job, Move, Progress, tallied
from invitation_service.delivering.store import Glimpse, MovedMeanwhileError
from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.models import Invitation, Status, Survey


@dataclass(frozen=True, slots=True)
class _Place:
    account: str
    survey_id: int
    recipient_id: int


class InMemoryDeliveries(ABC):
    """Keeps everything in dictionaries; see `Deliveries` for what each method promises."""

    _people: dict[tuple[str, int], dict[int, SurveyRecipient]]
    _invitations: dict[tuple[str, int], dict[int, Invitation]]
    _surveys: dict[tuple[str, int], Survey]

    def __init__(self) -> None:
        super().__init__()
        self._progress: dict[Job, Progress] = {}
        self._addressees: dict[_Place, Addressee] = {}
        self._due: dict[Job, datetime] = {}
        self._mails: dict[tuple[str, datetime], int] = defaultdict(int)

    @abstractmethod
    def is_unsubscribed(self, account: str, email: str) -> bool:
        """Say whether an address may not be mailed."""

    @abstractmethod
    def _reserve_ids(self, account: str, kind: str, count: int) -> range:
        """Return ids that nobody else gets."""

    def _begin(self, account: str, invitation: Invitation, total: int, due: datetime) -> None:
        progress = Progress(account=account, invitation=invitation, total=total)
        self._progress[progress.job] = progress
        self._due[progress.job] = due

    def _keep(self, progress: Progress) -> None:
        self._progress[progress.job] = progress
        job = progress.job
        self._invitations[job.account, job.survey_id][job.invitation_id] = progress.invitation

    def progress(self, job: Job) -> Progress | None:
        """See `Deliveries.progress`."""
        return self._progress.get(job)

    def number(self, job: Job) -> int:
        """See `Deliveries.number`."""
        known = self._progress[job]
        if known.first_id is None:
            first = self._reserve_ids(job.account, "recipients", known.total)[0]
            self._keep(replace(known, first_id=first))
            return first
        return known.first_id

    def unfold(self, progress: Progress, recipients: Sequence[SurveyRecipient], named: int) -> None:
        """See `Deliveries.unfold`."""
        known = self._progress[progress.job]
        if known.prepared != progress.prepared:
            raise MovedMeanwhileError
        job, counts = progress.job, Counter(known.counts)
        for each in recipients:
            self._people[job.account, job.survey_id][each.id] = each
            place = _Place(job.account, job.survey_id, each.id)
            self._addressees[place] = Addressee(recipient=each)
            counts[each.delivery] += 1
        waiting = sum(each.delivery is Delivery.WAITING for each in recipients)
        left = known.invitation.recipients_count - named + waiting
        self._keep(
            replace(
                known,
                prepared=known.prepared + named,
                untried=known.untried + waiting,
                counts=counts,
                invitation=known.invitation.model_copy(update={"recipients_count": left}),
            )
        )

    def _addressee(self, job: Job, recipient_id: int) -> Addressee | None:
        recipient = self._people[job.account, job.survey_id].get(recipient_id)
        known = self._addressees.get(_Place(job.account, job.survey_id, recipient_id))
        return replace(known, recipient=recipient) if known and recipient else None

    def addressees(self, job: Job, first: int, last: int) -> list[Addressee]:
        """See `Deliveries.addressees`."""
        found = [self._addressee(job, each) for each in range(first, last + 1)]
        return [
            each for each in found if each and each.recipient.invitation_id == job.invitation_id
        ]

    def glimpses(self, job: Job, first: int, last: int) -> Iterator[Glimpse]:
        """See `Deliveries.glimpses`."""
        for each in self.addressees(job, first, last):
            yield each.recipient.id, each.delivery, each.claimed_at or each.retry_at

    def move(self, job: Job, moves: Sequence[Move], now: datetime) -> None:
        """See `Deliveries.move`."""
        for each in moves:
            there = self._addressee(job, each.before.recipient.id)
            if there is None or _mark(there) != _mark(each.before):
                raise MovedMeanwhileError
        for each in moves:
            self._step(job, each.after, now)
        known = self._progress[job]
        change = tallied(list(moves))
        counts = Counter(known.counts)
        counts.update({state: change.get(state, 0) for state in Delivery})
        left = known.invitation.recipients_count + change.get("recipients_count", 0)
        self._keep(
            replace(
                known,
                counts=counts,
                untried=known.untried + change.get("untried", 0),
                invitation=known.invitation.model_copy(update={"recipients_count": left}),
            )
        )

    def _step(self, job: Job, after: Addressee, now: datetime) -> None:
        place = _Place(job.account, job.survey_id, after.recipient.id)
        known = self._people[job.account, job.survey_id][after.recipient.id]
        fields: dict[str, Any] = {"delivery": after.delivery, "reason": after.recipient.reason}
        if after.delivery is Delivery.DELIVERED:
            fields |= {"delivered_at": now, "updated_at": now}
        self._people[job.account, job.survey_id][known.id] = known.model_copy(update=fields)
        self._addressees[place] = after

    def conclude(self, progress: Progress, status: Status, now: datetime) -> None:
        """See `Deliveries.conclude`."""
        known = self._progress[progress.job]
        same = (known.invitation.status, known.counts) == (
            progress.invitation.status,
            progress.counts,
        )
        if not same:
            raise MovedMeanwhileError
        fields: dict[str, Any] = {"status": status, "updated_at": now}
        if status is Status.DELIVERED:
            fields["delivered_at"] = now
        ended = replace(known, invitation=known.invitation.model_copy(update=fields))
        self._keep(ended)
        if ended.has_ended:
            self._due.pop(progress.job, None)

    def free_survey(self, job: Job) -> None:
        """See `Deliveries.free_survey`."""
        survey = self._surveys[job.account, job.survey_id]
        if survey.sending == job.invitation_id:
            free = survey.model_copy(update={"sending": None})
            self._surveys[job.account, job.survey_id] = free

    def look_again(self, job: Job, at: datetime, *, sooner: bool = False) -> None:
        """See `Deliveries.look_again`."""
        if job in self._due and not (sooner and self._due[job] <= at):
            self._due[job] = at

    def put_off(self, job: Job, now: datetime, at: datetime) -> None:
        """See `Deliveries.put_off`."""
        if job in self.due(now, len(self._due)):
            self._due[job] = at

    def pass_over(self, job: Job, low: int) -> None:
        """See `Deliveries.pass_over`."""
        self._keep(replace(self._progress[job], low=low))

    def hold_off(self, progress: Progress, until: datetime, now: datetime) -> None:
        """See `Deliveries.hold_off`."""
        known = self._progress[progress.job]
        if known.step == progress.step and not known.has_ended:
            since = known.trouble_since or now
            self._keep(replace(known, step=known.step + 1, not_before=until, trouble_since=since))
            self._due[progress.job] = until

    def go_on(self, progress: Progress) -> None:
        """See `Deliveries.go_on`."""
        known = self._progress[progress.job]
        if known.step == progress.step:
            self._keep(replace(known, step=0, not_before=None, trouble_since=None))

    def due(self, now: datetime, limit: int) -> list[Job]:
        """See `Deliveries.due`."""
        found = sorted(
            (job for job in self._due if self._due[job] <= now), key=self._due.__getitem__
        )
        return found[:limit]

    def count_mails(self, account: str, minute: datetime, wanted: int, limit: int) -> int:
        """See `Deliveries.count_mails`."""
        before = self._mails[account, minute]
        self._mails[account, minute] += wanted
        return max(0, min(wanted, limit - before))

    def unsubscribed_among(self, account: str, emails: Sequence[str]) -> set[str]:
        """See `Deliveries.unsubscribed_among`."""
        return {each for each in emails if self.is_unsubscribed(account, each)}


def _mark(addressee: Addressee) -> tuple[Delivery, int, str]:
    return addressee.delivery, addressee.attempts, addressee.claim
