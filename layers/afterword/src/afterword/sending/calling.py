"""One call of a batch: in the time that was reserved for it, and on record before and after."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from afterword.remembering.records import BatchState, State
from afterword.sending import batches, passage, ways
from afterword.sending.budget import Wanted
from afterword.sending.members import recipients, terms_of
from afterword.sending.provider import LAST_ID, LookUpError
from afterword.sending.ways import Blocked

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Way
    from afterword.sending.claiming import Candidate
    from afterword.sending.passage import Pace
    from afterword.sending.provider import Provider, Recipient

# What has to be written after a call, before the invocation ends.
_RECORDING_SECONDS = 5


class Caller:
    """Calls providers.

    Args:
        ledger: The ledger.
        clock: Wall time, Unix seconds.
        deadline: Wall time at which this invocation ends.
        pace: Tells the time to the split second, and waits.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], int], deadline: int, pace: Pace) -> None:
        self._ledger = ledger
        self._clock = clock
        self._deadline = deadline
        self._pace = pace

    def has_time(self, provider: Provider) -> bool:
        """Tell whether a whole call and its records still fit into this invocation."""
        return self._clock() + provider.call_seconds + _RECORDING_SECONDS <= self._deadline

    def call(
        self,
        campaign: Campaign,
        provider: Provider,
        way: Way,
        batch: Batch,
        ready: Sequence[Candidate],
    ) -> Counter[str] | Blocked:
        """Call a provider, and record what came of it.

        Args:
            campaign: Whose invitations they are.
            provider: Who is called.
            way: As the batch has taken it.
            batch: Who calls; it has claimed those who are ready.
            ready: Who is invited.

        Returns:
            How many invitations became what; or what keeps the batch from being called: then it is released.
        """
        body = provider.encode(_people(campaign, ready), terms_of(campaign))
        try:
            begun, after_id = self._begin(provider, way, batch)
        except LookUpError as error:
            return batches.record(self._ledger, provider, way, batch, error.retry, self._clock())
        if isinstance(begun, Blocked):
            batches.release(self._ledger, batch, reason=begun.reason)
            return begun
        calling = replace(
            batch,
            state=BatchState.CALLING,
            size=len(ready),
            called_at=self._clock(),
            after_id=after_id,
            digest=sha256(body).hexdigest(),
        )
        if not self.has_time(provider) or not self._ledger.change_batch(batch, calling):
            return batches.release(self._ledger, batch, reason="not_called")
        outcome = provider.invite(batch.survey, body, batch.id)
        claimed = [
            replace(each.invitation, state=State.CLAIMED, batch=batch.id, reason=None)
            for each in ready
        ]
        now = self._clock()
        return batches.record(self._ledger, provider, begun, calling, outcome, now, claimed=claimed)

    def _begin(
        self, provider: Provider, way: Way, batch: Batch
    ) -> tuple[Way | Blocked, int | None]:
        """Wait for the time of the call, and look at the survey before, if that is to be; return its highest id then.

        Raises LookUpError.
        """
        begun = self._wait(provider, way, batch, way.slot.calls)
        if isinstance(begun, Blocked) or not _looks_before(provider, way):
            return begun, None
        after_id = _look_before(provider, batch.survey)
        return self._wait(provider, begun, batch, 1), after_id

    def _wait(self, provider: Provider, way: Way, batch: Batch, calls: int) -> Way | Blocked:
        """Wait for the time that was reserved for so many requests."""
        lasts = provider.call_seconds if provider.one_by_one else 0
        wanted = Wanted(
            calls,
            calls,
            provider.calls_per_minute,
            self._pace.lead,
            lasts,
            in_turn=not provider.one_by_one,
        )
        return passage.begin(self._ledger, way, batch, wanted, self._pace)


def wanted(provider: Provider, way: Way, size: int, pace: Pace) -> Wanted:
    """Return the requests of a batch: one for each member, or one for all and perhaps a look before."""
    limit = provider.calls_per_minute
    if provider.one_by_one:
        # The breaker's probe may get lost, and nobody could be asked about it.
        calls = 1 if ways.is_open(way.account_state) else size
        return Wanted(calls, 1, limit, pace.lead, provider.call_seconds)
    calls = 2 if _looks_before(provider, way) else 1
    return Wanted(calls, calls, limit, pace.lead, in_turn=True)


def _people(campaign: Campaign, ready: Sequence[Candidate]) -> list[Recipient]:
    people = recipients(campaign, [each.customer for each in ready])
    return [
        replace(person, correlation_id=each.invitation.correlation_id)
        for person, each in zip(people, ready, strict=True)
    ]


def _look_before(provider: Provider, survey: int) -> int | None:
    """Return the survey's highest invitation id, 0 if there is none; None if nobody will ask for it.

    Raises LookUpError.
    """
    if provider.replays_key:
        # Only to see whether anybody answers. A list of a hundred pages would take longer than a call may.
        provider.list_after(survey, LAST_ID)
        return None
    return max((each.id for each in provider.list_after(survey, 0)), default=0)


def _looks_before(provider: Provider, way: Way) -> bool:
    """Tell whether the survey is looked at before the call.

    For the highest id, where a lost call is to be looked for; and always as the breaker's probe, since a look that gets
    lost leaves nothing in doubt.
    """
    if provider.one_by_one:
        return False
    return ways.is_open(way.account_state) or not provider.replays_key
