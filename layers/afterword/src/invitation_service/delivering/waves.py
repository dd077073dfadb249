"""Tells the queue which of an invitation's recipients are to be mailed now, slice by slice."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from invitation_service.delivering.messages import Message, Queue
from invitation_service.delivering.records import Progress
from invitation_service.delivering.rules import (
    CLAIMS_LAST,
    LOOKED_AFTER_AGAIN,
    SLICE,
    is_over,
    next_minute,
)
from invitation_service.delivering.store import Deliveries
from invitation_service.mailing.outcomes import MailServerError
from invitation_service.mailing.settings import MailSettings
from invitation_service.people.records import Delivery


@dataclass(slots=True)
class _Found:
    """What a look over an invitation's recipients found.

    Attributes:
        slices: The first ids of slices in which somebody is to be mailed.
        low: The first id of somebody who is waiting or being mailed; None: nobody is.
        next_at: When the next one of those who wait for another try is to be mailed.
        is_cut: Whether there is more than may be mailed in a minute.
    """

    slices: list[int]
    low: int | None = None
    next_at: datetime | None = None
    is_cut: bool = False


class Waves:
    """Sends out as many slices as an account may mail in a minute.

    Args:
        store: Where deliveries are kept.
        queue: Where slices go.
        mail_settings: Returns an account's mail settings, or raises MailServerError.
    """

    def __init__(
        self, store: Deliveries, queue: Queue, mail_settings: Callable[[str], MailSettings]
    ) -> None:
        self._store = store
        self._queue = queue
        self._mail_settings = mail_settings

    def start(self, progress: Progress, now: datetime) -> None:
        """Send out the next slices, and say when to look after the invitation again.

        Args:
            progress: A prepared invitation.
            now: The time in UTC.
        """
        job = progress.job
        if progress.not_before and now < progress.not_before:
            self._store.look_again(job, progress.not_before)
            return
        found = self._look(progress, now)
        later = now + LOOKED_AFTER_AGAIN
        at = next_minute(now) if found.is_cut else min(found.next_at or later, later)
        # First: whoever mails a slice may want it sooner.
        self._store.look_again(job, at)
        self._queue.send([Message.about(job, first, first + SLICE - 1) for first in found.slices])
        passed = max(progress.low, progress.first_id or 0)
        if found.low and found.low >= passed + SLICE:
            self._store.pass_over(job, found.low)

    def _look(self, progress: Progress, now: datetime) -> _Found:
        beginning = progress.first_id or 0
        last = beginning + progress.total - 1
        most, found = self._slices_a_minute(progress.account), _Found([])
        for number, state, at in self._store.glimpses(
            progress.job, max(beginning, progress.low), last
        ):
            if state not in {Delivery.WAITING, Delivery.SENDING}:
                continue
            found.low = found.low or number
            lost = state is Delivery.SENDING and is_over(at, CLAIMS_LAST, now)
            if not lost and (state is Delivery.SENDING or (at and at > now)):
                if state is Delivery.WAITING and at:
                    found.next_at = min(found.next_at or at, at)
                continue
            first = number - (number - beginning) % SLICE
            if found.slices[-1:] == [first]:
                continue
            if len(found.slices) == most:
                found.is_cut = True
                break
            found.slices.append(first)
        return found

    def _slices_a_minute(self, account: str) -> int:
        try:
            return math.ceil(self._mail_settings(account).mails_per_minute / SLICE)
        except MailServerError:
            # Whoever mails finds that out again, and says so.
            return 1
