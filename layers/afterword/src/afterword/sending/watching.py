"""Watches calls to providers: how many, how long, and what their answers meant."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from afterword.sending.provider import Each, LookUpError, Retry, Terms, label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from afterword.noting import Notes
    from afterword.sending.provider import Outcome, Provider, Recipient, Seen, Single

# An account's own word on when to come back, and not our guess.
_TOLD_TO_WAIT = {"rate_limited", "quota", "retry"}


class Watched:
    """A provider whose outcomes are noted. See `Provider`.

    Args:
        provider: Who is called.
        account: Its name.
        notes: Where outcomes are noted.
    """

    def __init__(self, provider: Provider, account: str, notes: Notes) -> None:
        self._provider = provider
        self._account = account
        self._notes = notes
        self.most_recipients = provider.most_recipients
        self.call_seconds = provider.call_seconds
        self.calls_per_minute = provider.calls_per_minute
        self.replays_key = provider.replays_key
        self.one_by_one = provider.one_by_one

    def fault(self, terms: Terms) -> str | None:
        """See `Provider`."""
        return self._provider.fault(terms)

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        """See `Provider`."""
        return self._provider.encode(recipients, terms or Terms())

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        """See `Provider`."""
        outcome = self._provider.invite(survey, body, key)
        for each in outcome.outcomes if isinstance(outcome, Each) else (outcome,):
            self._note(each)
        return outcome

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        """See `Provider`."""
        with self._looking():
            return self._provider.list_after(survey, after_id)

    def show(self, survey: int, invitation: int) -> Seen:
        """See `Provider`."""
        with self._looking():
            return self._provider.show(survey, invitation)

    @contextmanager
    def _looking(self) -> Iterator[None]:
        try:
            yield
        except LookUpError as error:
            self._note(error.retry)
            raise
        self._notes.measure("ProviderOutcomes", account=self._account, outcome="answered")

    def _note(self, outcome: Single) -> None:
        meant = label(outcome)
        self._notes.measure("ProviderOutcomes", account=self._account, outcome=meant)
        if isinstance(outcome, Retry) and outcome.after and meant in _TOLD_TO_WAIT:
            self._notes.measure("RetryAfter", outcome.after, account=self._account)


@contextmanager
def timed(
    notes: Notes, account: str, clock: Callable[[], float] = time.perf_counter
) -> Iterator[None]:
    """Note one request, and how long it took by `clock` (monotonic seconds)."""
    begun = clock()
    try:
        yield
    finally:
        notes.measure("ProviderCalls", account=account)
        notes.measure("ProviderLatency", round((clock() - begun) * 1000, 1), account=account)
