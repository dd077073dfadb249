"""Mails a slice of an invitation's recipients, so that whatever happens, what is kept is true."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from itertools import batched
from typing import Protocol

from aws_lambda_powertools import Logger

from invitation_service.delivering import steps
from invitation_service.delivering.letters import Letters, Subject
from invitation_service.delivering.records import Addressee, Job, Move, Progress
from invitation_service.delivering.rules import (
    CLAIMS_LAST,
    GIVEN_UP_AFTER,
    GROUP,
    SECONDS_FOR_A_MAIL,
    UNCERTAIN_IN_A_ROW,
    delay,
    is_over,
    minute_of,
    next_minute,
)
from invitation_service.delivering.store import MovedMeanwhileError
from invitation_service.mailing.outcomes import (
    Later,
    MailServerError,
    Outcome,
    Refused,
    Uncertain,
)
from invitation_service.mailing.settings import MailSettings
from invitation_service.people.records import Delivery
from invitation_service.surveys.store import Store
from invitation_service.web.errors import UnavailableError


class Session(Protocol):
    """A connection to a mail server."""

    def send(self, message: EmailMessage, recipient: str) -> Outcome:
        """Hand over one mail."""
        ...


class Mailer(Protocol):
    """Connects to mail servers."""

    def session(self, settings: MailSettings) -> AbstractContextManager[Session]:
        """Return a connection, or raise MailServerError when it is entered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What mailing works with.

    Attributes:
        store: Where everything is kept.
        mailer: Connects to mail servers.
        mail_settings: Returns an account's mail settings, or raises MailServerError.
        letters: Writes the mails.
        now: Returns the time in UTC, in whole seconds.
        new_claim: Returns an id that nobody else gets.
        logger: Told types of errors, never a text.
    """

    store: Store
    mailer: Mailer
    mail_settings: Callable[[str], MailSettings]
    letters: Letters
    now: Callable[[], datetime]
    new_claim: Callable[[], str]
    logger: Logger


class SliceRun:
    """One go at a slice.

    Args:
        desk: What it works with.
        progress: The invitation, as it was read.
        ids: The first and the last recipient's id.
        seconds_left: Returns for how long this may go on.

    Attributes:
        counts: What became of how many mails; `account_fault` if the account's settings are wrong.
        again_at: When somebody must look after the rest; None: there is none, or others do.
    """

    def __init__(
        self,
        desk: Desk,
        progress: Progress,
        ids: tuple[int, int],
        seconds_left: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._progress = progress
        self._ids = ids
        self._seconds_left = seconds_left
        self._store = desk.store
        self._job: Job = progress.job
        self._claim = desk.new_claim()
        self._stopped_by: Later | None = None
        self._got_through = False
        self._uncertain_in_a_row = 0
        self._granted = 0
        self.counts: Counter[str] = Counter()
        self.again_at: datetime | None = None

    def run(self) -> None:
        """Mail to whomever of the slice is to be mailed to now."""
        addressees = self._addressees()
        self._settle_the_lost(addressees)
        ready = self._ready(addressees)
        if not ready:
            return
        subject = self._desk.letters.subject(self._progress)
        if isinstance(subject, str):
            self._move([steps.suppressed(each, subject) for each in ready])
            return
        try:
            settings = self._desk.mail_settings(self._job.account)
            # First: who may mail nobody this minute need not bother the mail server.
            self._granted = self._ask_for(min(GROUP, len(ready)), settings)
            if not self._granted:
                return
            with self._desk.mailer.session(settings) as session:
                self._hand_over(_Post(self._desk, session, settings, subject), ready)
        except MailServerError as error:
            self._stopped_by = Later(error.reason, error.account_fault)
        if self._stopped_by:
            self._hold_off(self._stopped_by)
        elif self._got_through and self._progress.step:
            self._store.go_on(self._progress)

    def _addressees(self) -> list[Addressee]:
        return self._store.addressees(self._job, *self._ids)

    def _ready(self, addressees: Sequence[Addressee]) -> list[Addressee]:
        now = self._desk.now()
        return [
            each
            for each in addressees
            if each.delivery is Delivery.WAITING and not (each.retry_at and each.retry_at > now)
        ]

    def _settle_the_lost(self, addressees: Sequence[Addressee]) -> None:
        now = self._desk.now()
        lost = [
            steps.uncertain(each, "interrupted")
            for each in addressees
            if each.delivery is Delivery.SENDING and is_over(each.claimed_at, CLAIMS_LAST, now)
        ]
        self._move(lost)

    def _hand_over(self, post: "_Post", ready: Sequence[Addressee]) -> None:
        left, done = deque(ready), list[Move]()
        while True:
            try:
                begun = self._next_group(left, post.settings)
                self._keep([*done, *begun])
            except MovedMeanwhileError:
                # Somebody else is at this slice, too.
                self._move(done)
                left, done = deque(self._ready(self._addressees())), []
                continue
            except Exception:
                # What is known must be kept, whatever else can't be done.
                self._move(done)
                raise
            claimed = [each.after for each in begun if each.after.delivery is Delivery.SENDING]
            done = self._mail(post, claimed)
            if not claimed and not left:
                return

    def _next_group(self, left: "deque[Addressee]", settings: MailSettings) -> list[Move]:
        """Return the steps by which the next group begins; none if there is no rest, or not now."""
        now = self._desk.now()
        granted = min(GROUP, len(left))
        if self._stopped_by or not granted:
            left.clear()
            return []
        if self._seconds_left() < SECONDS_FOR_A_MAIL:
            self._look_again(now)
            left.clear()
            return []
        granted = min(granted, self._granted) or self._ask_for(granted, settings)
        self._granted = 0
        if not granted:
            left.clear()
            return []
        group = [left.popleft() for _ in range(granted)]
        away = self._store.unsubscribed_among(
            self._job.account, [each.recipient.email for each in group]
        )
        return [
            steps.suppressed(each, "unsubscribed")
            if each.recipient.email in away
            else steps.claimed(each, self._claim, now)
            for each in group
        ]

    def _ask_for(self, wanted: int, settings: MailSettings) -> int:
        now = self._desk.now()
        granted = self._store.count_mails(
            self._job.account, minute_of(now), wanted, settings.mails_per_minute
        )
        if not granted:
            self._look_again(next_minute(now))
        return granted

    def _mail(self, post: "_Post", claimed: Sequence[Addressee]) -> list[Move]:
        return [self._mail_one(post, each) for each in claimed]

    def _mail_one(self, post: "_Post", addressee: Addressee) -> Move:
        now = self._desk.now()
        if self._stopped_by or self._seconds_left() < SECONDS_FOR_A_MAIL:
            self._look_again(now)
            return steps.put_back(addressee)
        outcome = post.hand_over(addressee, now)
        if isinstance(outcome, Later) and outcome.account_fault:
            self._stopped_by = outcome
            return steps.put_back(addressee)
        self._got_through = True
        self._mind(outcome)
        return steps.told(addressee, outcome, now)

    def _mind(self, outcome: Outcome) -> None:
        """Stop at a mail server that falls silent after each mail: nobody would ever be mailed again."""
        if not isinstance(outcome, Uncertain):
            self._uncertain_in_a_row = 0
            return
        self._uncertain_in_a_row += 1
        if self._uncertain_in_a_row == UNCERTAIN_IN_A_ROW:
            self._stopped_by = Later(outcome.reason)

    def _hold_off(self, fault: Later) -> None:
        """Leave the mail server alone for a while; give up whoever is ready if it is a day."""
        now, known = self._desk.now(), self._progress
        self.counts["account_fault"] += fault.account_fault
        ready = self._ready(self._addressees())
        if is_over(known.trouble_since, GIVEN_UP_AFTER, now):
            self._move([steps.given_up(each) for each in ready])
            self._look_again(next_minute(now))
            return
        self.counts["later"] += len(ready)
        self._store.hold_off(known, now + delay(known.step + 1), now)

    def _look_again(self, at: datetime) -> None:
        self.again_at = min(self.again_at or at, at)

    def _move(self, moves: Sequence[Move]) -> None:
        """Move as many as are still as they were."""
        for some in batched(moves, 2 * GROUP, strict=False):
            try:
                self._keep(some)
            except MovedMeanwhileError:
                for each in some:
                    with suppress(MovedMeanwhileError):
                        self._keep([each])

    def _keep(self, moves: Sequence[Move]) -> None:
        if not moves:
            return
        self._store.move(self._job, moves, self._desk.now())
        for each in moves:
            self._count(each.after)

    def _count(self, after: Addressee) -> None:
        if after.delivery is Delivery.WAITING and after.retry_at:
            self._look_again(after.retry_at)
            self.counts["later"] += 1
        elif after.delivery not in {Delivery.WAITING, Delivery.SENDING}:
            self.counts[after.delivery] += 1


@dataclass(frozen=True, slots=True)
class _Post:
    """A connection, with what goes over it."""

    desk: Desk
    session: Session
    settings: MailSettings
    subject: Subject

    def hand_over(self, addressee: Addressee, now: datetime) -> Outcome:
        """Write one mail and hand it over."""
        recipient = addressee.recipient
        try:
            message = self.desk.letters.write(self.subject, recipient, self.settings, now)
        except UnavailableError:
            return Later("no_link_keys", account_fault=True)
        except Exception as error:  # noqa: BLE001 - one mail that can't be written must not hold up the others.
            self._tell("mail not written", error)
            return Refused("not_written")
        try:
            return self.session.send(message, recipient.email)
        except Exception as error:  # noqa: BLE001 - nobody knows how far it came.
            self._tell("mail interrupted", error)
            return Uncertain("interrupted")

    def _tell(self, what: str, error: Exception) -> None:
        # Without its text, which may hold an address.
        self.desk.logger.error(what, error_type=type(error).__name__)
