"""Does what a message of the delivery queue asks for."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from invitation_service.delivering.messages import Message, Queue
from invitation_service.delivering.prepare import Preparer
from invitation_service.delivering.records import Job, Progress
from invitation_service.delivering.rules import next_minute
from invitation_service.delivering.slices import Desk, SliceRun
from invitation_service.delivering.store import MovedMeanwhileError
from invitation_service.delivering.waves import Waves


class Worker:
    """Looks after invitations and mails slices of them.

    Args:
        desk: What mailing works with.
        queue: Where messages go.
    """

    def __init__(self, desk: Desk, queue: Queue) -> None:
        self._desk = desk
        self._store = desk.store
        self._queue = queue
        self._preparer = Preparer(desk.store, desk.now)
        self._waves = Waves(desk.store, queue, desk.mail_settings)

    def work(self, message: Message, seconds_left: Callable[[], float]) -> Counter[str]:
        """Do what a message asks for, or as much as time allows; what is left is due again.

        Args:
            message: The message. It may come twice, and at the same time.
            seconds_left: Returns for how long this may go on.

        Returns:
            What became of how many mails.

        Raises:
            StoreBusyError: The message must come again.
        """
        progress = self._store.progress(message.job)
        if progress is None or progress.has_ended:
            return Counter()
        if message.first is None or message.last is None:
            self._look_after(progress, seconds_left)
            return Counter()
        return self._mail(progress, (message.first, message.last), seconds_left)

    def _look_after(self, progress: Progress, seconds_left: Callable[[], float]) -> None:
        job, mailing = progress.job, progress.invitation.mailing
        if mailing and mailing.due_at > self._desk.now():
            self._store.look_again(job, mailing.due_at)
            return
        if not progress.is_prepared and not self._prepare(progress, seconds_left):
            return
        self._close(job)
        prepared = self._store.progress(job)
        if prepared and not prepared.has_ended:
            self._waves.start(prepared, self._desk.now())

    def _prepare(self, progress: Progress, seconds_left: Callable[[], float]) -> bool:
        try:
            is_prepared = self._preparer.prepare(progress, seconds_left)
        except MovedMeanwhileError:
            # Two would hinder each other.
            return False
        if not is_prepared:
            self._queue.send([Message.about(progress.job)])
        return is_prepared

    def _mail(
        self, progress: Progress, ids: tuple[int, int], seconds_left: Callable[[], float]
    ) -> Counter[str]:
        now = self._desk.now()
        if progress.not_before and now < progress.not_before:
            return Counter()
        run = SliceRun(self._desk, progress, ids, seconds_left)
        try:
            run.run()
        except Exception:
            # Sooner than the queue brings the message back.
            self._close(progress.job, next_minute(now))
            raise
        self._close(progress.job, run.again_at)
        return run.counts

    def _close(self, job: Job, again_at: datetime | None = None) -> None:
        """Give an invitation the status that it has come to, or say when to look after it again."""
        progress = self._store.progress(job)
        if progress is None:
            return
        status = progress.next_status()
        # First: once it has ended, nobody looks after it any more.
        if progress.is_prepared and progress.untried <= 0 and not progress.invitation.mailing:
            self._store.free_survey(job)
        if status:
            with suppress(MovedMeanwhileError):
                self._store.conclude(progress, status, self._desk.now())
        if again_at:
            self._store.look_again(job, again_at, sooner=True)
