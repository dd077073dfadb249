"""What became of invitations, why, and what comes next: told from what the ledger has, in order of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afterword.operating.foretelling import Known, foretell
from afterword.operating.reasons import in_words
from afterword.remembering.records import BatchState, Key, State, Way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from afterword.deciding.campaigns import Campaign
    from afterword.deciding.rules import StopMark
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Batch, Customer, Invitation, Occasion

_CALLED = {
    BatchState.CLAIMING: "The call is being prepared.",
    BatchState.CALLING: "The call is under way.",
    BatchState.SENT: "The provider accepted it",
    BatchState.REFUSED: "The provider refused it",
    BatchState.UNCERTAIN: "Nobody knows yet whether the provider took it",
    BatchState.HELD: "It is held for a person",
    BatchState.RELEASING: "It is given back",
    BatchState.RELEASED: "It was given back: nobody was asked",
    BatchState.DROPPED: "The provider took it, and then invited nobody",
}


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, and when (Unix seconds; None: the ledger does not keep it)."""

    at: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Story:
    """One invitation's.

    Attributes:
        invitation: As the ledger has it.
        batch: The one that has claimed it, or the last one that did.
        lines: What happened, the oldest first; what has no time comes last.
        then: What will happen next, and when.
    """

    invitation: Invitation
    batch: Batch | None
    lines: tuple[Line, ...]
    then: str


@dataclass(frozen=True, slots=True)
class Told:
    """All that the ledger knows about what was asked for."""

    stories: tuple[Story, ...] = ()
    marks: Mapping[Occasion, StopMark] = field(default_factory=dict)
    customers: Mapping[str, Customer] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.stories or self.marks or self.customers)


def tell(
    ledger: Ledger,
    keys: Collection[Key],
    customers: Collection[str],
    campaigns: Mapping[str, Campaign],
    now: int,
) -> Told:
    """Tell the stories of invitations, the oldest event first.

    Args:
        ledger: The ledger.
        keys: Those that there may be; unknown ones are passed over, but stop marks on their occasions are told.
        customers: Keys of customers who are asked for; those of the invitations are looked up anyway.
        campaigns: Those that load, by id.
        now: Unix seconds.

    Raises:
        LedgerError: The ledger did not answer.
    """
    found = ledger.read_invitations(keys)
    marks = ledger.read_marks({each.occasion for each in keys})
    people = ledger.read_customers({*customers, *(each.customer for each in found.values())})
    ordered = sorted(found.values(), key=lambda each: (each.occurred_at, str(each.key)))
    stories = tuple(_story(ledger, each, marks, people, campaigns, now) for each in ordered)
    return Told(stories, marks, people)


def _story(
    ledger: Ledger,
    invitation: Invitation,
    marks: Mapping[Occasion, StopMark],
    people: Mapping[str, Customer],
    campaigns: Mapping[str, Campaign],
    now: int,
) -> Story:
    campaign = campaigns.get(invitation.key.campaign)
    batch = ledger.read_batch(invitation.batch) if invitation.batch else None
    mark = marks.get(invitation.key.occasion)
    known = Known(
        campaign,
        people.get(invitation.customer),
        mark,
        batch,
        ledger.read_way(campaign.account, campaign.survey) if campaign else Way("", 0),
    )
    lines = [*_beginning(invitation), *_stop(mark), *_calls(batch), *_end(invitation)]
    in_order = sorted(lines, key=lambda each: (each.at is None, each.at or 0))
    return Story(invitation, batch, tuple(in_order), foretell(invitation, known, now))


def _beginning(invitation: Invitation) -> Iterator[Line]:
    yield Line(invitation.occurred_at, f"The {invitation.key.occasion.kind} happened.")
    first = invitation.due if invitation.first_due is None else invitation.first_due
    if invitation.state is State.ENDED and first == invitation.occurred_at:
        return
    yield Line(first, "Due.")
    if invitation.due != first:
        yield Line(invitation.due, "Put off until then.")
    if invitation.state is State.PENDING and invitation.reason:
        yield Line(None, f"It waits again. {in_words(invitation.reason)}.")
    if invitation.attempts:
        yield Line(None, f"It was tried {invitation.attempts} times without success.")


def _stop(mark: StopMark | None) -> Iterator[Line]:
    if mark:
        part = "A part of it" if mark.partial else "It"
        amount = f" ({mark.amount})" if mark.amount else ""
        yield Line(mark.at, f"{part} was {mark.why}{amount}: a stop mark.")


def _calls(batch: Batch | None) -> Iterator[Line]:
    if batch is None:
        return
    to = f"account {batch.account}, survey {batch.survey}"
    yield Line(batch.created_at, f"Batch {batch.id} took it up, for {to}.")
    if batch.called_at:
        yield Line(batch.called_at, f"The provider was called, for {batch.size:,} in all.")
    said = _CALLED[batch.state].rstrip(".")
    as_what = f" as {batch.provider_id}" if batch.provider_id is not None else ""
    why = f" ({in_words(batch.reason)})" if batch.reason else ""
    yield Line(None, f"{said}{as_what}{why}.")


def _end(invitation: Invitation) -> Iterator[Line]:
    if invitation.state is State.HELD:
        yield Line(invitation.held_at, f"It is held for a person. {in_words(invitation.reason)}.")
    if invitation.state is State.ENDED:
        yield Line(None, f"It ended. {in_words(invitation.reason)}.")
