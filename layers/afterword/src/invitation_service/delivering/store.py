"""What delivering needs of its memory. `memory` and `dynamodb` keep this promise alike."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from invitation_service.delivering.records import Addressee, Job, Move, Progress
from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.models import Status

type Glimpse = tuple[int, Delivery, datetime | None]
"""A recipient's id, its state, and since when it is claimed, or when it is tried again."""


class MovedMeanwhileError(Exception):
    """Somebody else was first; nothing was written."""


class Deliveries(Protocol):
    """Invitations on their way.

    Each method may raise StoreBusyError: nothing was done. What a method wrote, the next call sees,
    but for `due`, which may lag.
    """

    def progress(self, job: Job) -> Progress | None:
        """Return how far an invitation is, or None."""
        ...

    def number(self, job: Job) -> int:
        """Give an invitation as many recipient ids as it names people; return the first.

        Whoever asks again gets the same.
        """
        ...

    def unfold(self, progress: Progress, recipients: Sequence[SurveyRecipient], named: int) -> None:
        """Keep the next recipients of an invitation, and count them, all at once.

        Args:
            progress: As it was read.
            recipients: At most 90, waiting or suppressed.
            named: How many of those named they are, counting those who turned out to be nobody.

        Raises:
            MovedMeanwhileError: Somebody else has kept them.
        """
        ...

    def addressees(self, job: Job, first: int, last: int) -> list[Addressee]:
        """Return an invitation's recipients by their ids, which may end with it."""
        ...

    def glimpses(self, job: Job, first: int, last: int) -> Iterator[Glimpse]:
        """Yield what is known of the recipients with these ids, in order, a page at a time."""
        ...

    def move(self, job: Job, moves: Sequence[Move], now: datetime) -> None:
        """Move recipients from state to state and count it, all at once.

        Args:
            job: Their invitation.
            moves: At most 40.
            now: When, in UTC, whole seconds.

        Raises:
            MovedMeanwhileError: One of them is not as it was.
        """
        ...

    def conclude(self, progress: Progress, status: Status, now: datetime) -> None:
        """Give an invitation its next status; with its last one it is not due any more.

        Raises:
            MovedMeanwhileError: It is not as it was.
        """
        ...

    def free_survey(self, job: Job) -> None:
        """Let the survey take the next invitation, if this one is still in its way."""
        ...

    def look_again(self, job: Job, at: datetime, *, sooner: bool = False) -> None:
        """Say when somebody must look after an invitation again, unless it has ended.

        Args:
            job: The invitation.
            at: When.
            sooner: Leave it where it is sooner already.
        """
        ...

    def put_off(self, job: Job, now: datetime, at: datetime) -> None:
        """Say when somebody must look after an invitation that is due, unless it is due later by now.

        Args:
            job: The invitation.
            now: When it was found to be due.
            at: When it is due again.
        """
        ...

    def pass_over(self, job: Job, low: int) -> None:
        """Note that no recipient below an id is waiting or being mailed."""
        ...

    def hold_off(self, progress: Progress, until: datetime, now: datetime) -> None:
        """Note that the mail server failed an invitation, once a step; it is due then."""
        ...

    def go_on(self, progress: Progress) -> None:
        """Note that the mail server does not fail it any more."""
        ...

    def due(self, now: datetime, limit: int) -> list[Job]:
        """Return invitations that must be looked after at `now`, the longest overdue first."""
        ...

    def count_mails(self, account: str, minute: datetime, wanted: int, limit: int) -> int:
        """Return how many of the mails that are wanted may go out in this minute."""
        ...

    def unsubscribed_among(self, account: str, emails: Sequence[str]) -> set[str]:
        """Return those addresses that may not be mailed."""
        ...
