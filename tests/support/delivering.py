"""The delivery of invitations with a mail server, a queue and a clock that a test holds in its hand."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger

from invitation_service.answering.links import Links
from invitation_service.delivering.letters import Letters
from invitation_service.delivering.messages import Message, read_message
from invitation_service.delivering.records import STATES, Job, Progress
from invitation_service.delivering.slices import Desk
from invitation_service.delivering.sweep import sweep
from invitation_service.delivering.worker import Worker
from invitation_service.mailing.outcomes import Delivered, MailServerError, Outcome
from invitation_service.mailing.settings import MailSettings
from invitation_service.surveys.memory import InMemoryStore
from invitation_service.surveys.models import Mailing, Recipient
from invitation_service.surveys.store import NewInvitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from invitation_service.mailing.compose import Letter, LetterLinks
    from invitation_service.mailing.settings import Sender
    from invitation_service.surveys.store import Store

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_runs = itertools.count()


class Killed(BaseException):
    """What a function's end is like for the code in it: nothing catches it, nothing is tidied up."""


@dataclass
class FakeMailer:
    """A mail server that takes everything, unless it is told otherwise.

    Attributes:
        answers: By address, what becomes of the next mails to it.
        down: What it says to whoever connects.
        before: Called with the address before a mail is taken.
        taken: The addresses of all mails that it took, or may have taken.
        sessions: How many connections there were.
    """

    answers: dict[str, list[Outcome]] = field(default_factory=dict)
    down: MailServerError | None = None
    before: Callable[[str], None] = lambda _: None
    taken: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    sessions: int = 0

    @contextmanager
    def session(self, settings: MailSettings) -> Iterator[FakeMailer]:
        del settings
        self.sessions += 1
        if self.down:
            raise self.down
        yield self

    def send(self, message: EmailMessage, recipient: str) -> Outcome:
        self.before(recipient)
        left = self.answers.get(recipient)
        outcome = left.pop(0) if left else Delivered()
        if isinstance(outcome, Delivered):
            self.taken.append(recipient)
            self.letters.append(message)
        return outcome


def write(letter: Letter, sender: Sender, links: LetterLinks) -> EmailMessage:
    """Make a mail that tells a test what it was made of."""
    message = EmailMessage()
    message["To"] = letter.recipient.email
    message["From"] = sender.from_address
    message["X-Unsubscribe"] = links.unsubscribe
    lines = [letter.survey.name, *links.scores, *letter.labels.values(), letter.respondent]
    template = letter.template.text if letter.template else "no template"
    message.set_content("\n".join([*lines, template, f"footer={letter.footer}"]))
    return message


def settings(**fields: Any) -> MailSettings:
    return MailSettings.model_validate(
        {
            "host": "127.0.0.1",
            "port": 2525,
            "security": "none",
            "from_name": "Shop",
            "from_address": "shop@example.com",
            "mails_per_minute": 60_000,
            **fields,
        }
    )


@dataclass
class MailRoom:
    """Workers, a queue and a mail server around one store."""

    store: Store = field(default_factory=InMemoryStore)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    now: datetime = NOON
    queue: list[Message] = field(default_factory=list)
    settings: MailSettings | MailServerError = field(default_factory=settings)
    seconds: float = 300.0
    log: io.StringIO = field(default_factory=io.StringIO)
    counts: Counter[str] = field(default_factory=Counter)
    account: str = "shop"

    def send(self, messages: Sequence[Message]) -> None:
        self.queue += [read_message(each.text()) for each in messages]

    def worker(self, store: Store | None = None, queue: MailRoom | None = None) -> Worker:
        chosen = store or self.store
        links = Links(lambda: ["k" * 32], "https://answers.example.com")
        desk = Desk(
            store=chosen,
            mailer=self.mailer,
            mail_settings=self._settings_of,
            letters=Letters(chosen, links, write),
            now=lambda: self.now,
            new_claim=lambda: f"claim-{next(_runs)}",
            logger=Logger(service=f"mail-{next(_runs)}", stream=self.log),
        )
        return Worker(desk, queue or self)

    def _settings_of(self, account: str) -> MailSettings:
        assert account == self.account
        if isinstance(self.settings, MailServerError):
            raise self.settings
        return self.settings

    def invite(self, *names: str, survey: int | None = None) -> Job:
        """Create an invitation as a call does, and tell the queue."""
        chosen = survey or self.store.add_survey(self.account, "How was it?", self.now).id
        people = [Recipient(email=f"{each}@example.com", name=each.title()) for each in names]
        new = NewInvitation(recipients=people, created_at=self.now)
        made = self.store.add_invitation(self.account, chosen, new)
        job = Job(self.account, chosen, made.id)
        self.send([Message.about(job)])
        return job

    def invite_many(self, count: int) -> Job:
        return self.invite(*(f"p{number:05d}" for number in range(count)))

    def invite_by_webhook(self, token: str, *, delay: int = 0, footer: bool = True) -> Job:
        survey = self.store.add_survey(self.account, "How was it?", self.now).id
        mailing = Mailing(
            token=token,
            template_id=1833,
            due_at=self.now + timedelta(minutes=delay),
            footer=footer,
        )
        new = NewInvitation(created_at=self.now, mailing=mailing)
        made = self.store.add_invitation(self.account, survey, new)
        job = Job(self.account, survey, made.id)
        if not delay:
            self.send([Message.about(job)])
        return job

    def step(self, worker: Worker | None = None) -> None:
        """Work on the queue's first message."""
        message = self.queue.pop(0)
        self.counts += (worker or self.worker()).work(message, lambda: self.seconds)

    def work(self) -> None:
        """Work until the queue is empty."""
        while self.queue:
            self.step()

    def sweep(self) -> int:
        return sweep(self.store, self, self.now, lambda: self.seconds)

    def pass_time(self, minutes: float) -> None:
        """Let time go by, with the sweep each minute and whatever it finds."""
        until = self.now + timedelta(minutes=minutes)
        while self.now < until:
            self.now = min(self.now + timedelta(minutes=1), until)
            self.sweep()
            self.work()

    def progress(self, job: Job) -> Progress:
        found = self.store.progress(job)
        assert found
        return found

    def states(self, job: Job) -> dict[str, int]:
        """Return how many recipients are in each state, by what is kept of each of them."""
        progress = self.progress(job)
        if progress.first_id is None:
            return {}
        last = progress.first_id + progress.total - 1
        found = self.store.addressees(job, progress.first_id, last)
        return dict(Counter(str(each.delivery) for each in found))

    def told(self, job: Job) -> dict[str, int]:
        """Return how many recipients are in each state, by what is counted; they must be the same."""
        counts = self.progress(job).counts
        counted = {str(state): counts[state] for state in STATES if counts[state]}
        assert counted == self.states(job)
        return counted

    def status(self, job: Job) -> str:
        found = self.store.invitation(job.account, job.survey_id, job.invitation_id)
        assert found
        return str(found.status)

    def reasons(self, job: Job) -> dict[str, str | None]:
        first = self.progress(job).first_id or 0
        found = self.store.addressees(job, first, first + self.progress(job).total - 1)
        return {each.recipient.email: each.recipient.reason for each in found}

    def survey_is_free(self, job: Job) -> bool:
        survey = self.store.survey(job.account, job.survey_id)
        return survey is not None and survey.sending is None


class Fragile:
    """Something that is killed at one of its calls: before it is carried out, or after.

    Args:
        inner: What is called.
        steps: Counts calls down, for all that share it; at nought comes the end.
        after: Whether the last call is carried out.
    """

    def __init__(self, inner: object, steps: list[int], *, after: bool) -> None:
        self._inner = inner
        self._steps = steps
        self._after = after

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._steps[0] -= 1
            if self._steps[0] == 0 and not self._after:
                raise Killed
            result = inner(*args, **kwargs)
            if self._steps[0] == 0:
                raise Killed
            return result

        return call


def fragile(room: MailRoom, step: int, *, after: bool) -> tuple[Worker, list[int]]:
    """Return a worker that is killed at a step of the store's or the queue's."""
    steps = [step]
    store = cast("Store", Fragile(room.store, steps, after=after))
    queue = cast("MailRoom", Fragile(room, steps, after=after))
    return room.worker(store, queue), steps
