"""What `translate_events` does with shop events: remember them, end what they stop, send what is due now."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from afterword.deciding.customer_key import customer_key
from afterword.deciding.rules import Due, End, Reason, StopMark, on_arrival, stopped_by
from afterword.noting import Notes
from afterword.reading.shop_events import (
    Cancellation,
    Erasure,
    Purchase,
    Refund,
    Signup,
    Unsubscribe,
)
from afterword.remembering.records import (
    Customer,
    Invitation,
    Key,
    Leaving,
    Move,
    Occasion,
    State,
    customer_ref,
)
from afterword.sending.batches import count_moves, tell_of
from afterword.sending.due import send_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.reading.shop_events import ShopEvent
    from afterword.remembering.ledger import Ledger
    from afterword.sending.sender import Sender


class Translator:
    """Turns shop events into what the ledger and the provider must know.

    Args:
        ledger: The ledger.
        sender: Sends what is due at once.
        campaigns: All that load.
        secret: The key of the customer keys.
        notes: Where it is noted what becomes of each campaign's invitations.
    """

    def __init__(
        self,
        ledger: Ledger,
        sender: Sender,
        campaigns: Collection[Campaign],
        secret: bytes,
        notes: Notes | None = None,
    ) -> None:
        self._ledger = ledger
        self._sender = sender
        self._campaigns = {each.id: each for each in campaigns}
        self._secret = secret
        self._notes = notes or Notes()

    def translate(self, events: Sequence[ShopEvent], now: int) -> Counter[str]:
        """Take in a batch of events, in any order, any of them perhaps seen before.

        What stops invitations is written before what asks for them, and everything is written before it is read: of a
        purchase and its refund, whichever comes second sees the other (docs/design.md, rule 4).

        Args:
            events: Shop events.
            now: Business time, Unix seconds; here also the wall time.

        Returns:
            How many events and invitations became what.

        Raises:
            LedgerError: Nothing is lost if the whole batch is delivered again.
        """
        counts = Counter(f"event.{each.type}" for each in events)
        marks = _marks(events)
        leavings = list(self._leavings(events))
        self._ledger.put_marks(marks, now)
        self._ledger.suppress(leavings)
        counts += self._ask(events, now)
        counts += self._stop(marks)
        counts += self._leave(leavings)
        return counts

    def _ask(self, events: Sequence[ShopEvent], now: int) -> Counter[str]:
        invitations, told, counts = self._plan(events, now)
        is_due = {key: _is_due(each, now) for key, each in invitations.items()}
        waiting = [each for key, each in invitations.items() if not is_due[key]]
        counts += self._keep(waiting, told, now)
        due = [each for key, each in invitations.items() if is_due[key]]
        return +(counts + self._send(due, told, now))

    def _keep(
        self, invitations: Sequence[Invitation], told: Mapping[str, Customer], now: int
    ) -> Counter[str]:
        """Remember what waits, with its customers, and what has ended as it came in."""
        asked = {each.customer for each in invitations if each.state is State.PENDING}
        # As the ledger has them: who has left is asked no more.
        known = self._ledger.remember_customers([told[each] for each in sorted(asked)], now)
        planned = [_unless_suppressed(each, known) for each in invitations]
        created = self._ledger.create(planned, now)
        new = [each for each in planned if each.key in created]
        counts = Counter(duplicate=len(planned) - len(new)) + self._note_new(new)
        return counts + self._stop_marked([each for each in new if each.state is State.PENDING])

    def _note_new(self, invitations: Iterable[Invitation]) -> Counter[str]:
        became: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for each in invitations:
            if each.state is State.ENDED:
                tell_of(each, State.ENDED, each.reason)
                became[each.key.campaign][f"ended.{each.reason}"] += 1
            else:
                became[each.key.campaign]["waiting"] += 1
        return self._note(became)

    def _send(
        self, invitations: Sequence[Invitation], told: Mapping[str, Customer], now: int
    ) -> Counter[str]:
        """Send what is due as it comes in; what can't go out now waits as any other."""
        by_campaign: defaultdict[str, list[Invitation]] = defaultdict(list)
        for each in invitations:
            by_campaign[each.key.campaign].append(each)
        counts: Counter[str] = Counter()
        for campaign, due in by_campaign.items():
            of = self._campaigns[campaign]
            sent = send_new(self._ledger, self._sender, of, due, told, now)
            counts["duplicate"] += sent.pop("duplicate", 0)
            counts += self._note({campaign: sent})
        return counts

    def _plan(
        self, events: Sequence[ShopEvent], now: int
    ) -> tuple[dict[Key, Invitation], dict[str, Customer], Counter[str]]:
        """Decide per campaign. Only who is to be asked is remembered with name and address."""
        invitations: dict[Key, Invitation] = {}
        customers: dict[str, Customer] = {}
        counts: Counter[str] = Counter()
        for event in events:
            if not isinstance(event, Purchase | Signup):
                continue
            key = customer_key(event.customer.email, self._secret)
            who = customer_ref(event.shop, key)
            planned = list(self._invitations(event, key, now))
            counts["unwanted"] += not planned
            counts["duplicate"] += sum(each.key in invitations for each in planned)
            for each in planned:
                invitations.setdefault(each.key, each)
            if any(each.state is State.PENDING for each in planned):
                known = customers.get(who)
                told = _customer(event, who)
                if known is None or known.seen_at <= told.seen_at:
                    # As the ledger does with events that come one by one: what the newer one left out stays.
                    customers[who] = known.told(told) if known else told
        return invitations, customers, counts

    def _invitations(self, event: Purchase | Signup, key: str, now: int) -> Iterator[Invitation]:
        occasion = Occasion(event.shop, event.type, event.occasion or key)
        who = customer_ref(event.shop, key)
        for campaign in self._campaigns.values():
            match on_arrival(event, campaign, now):
                case Due(at):
                    yield Invitation(
                        Key(occasion, campaign.id), who, event.occurred, at, event=event.id
                    )
                case End(reason):
                    yield Invitation(
                        Key(occasion, campaign.id),
                        who,
                        event.occurred,
                        event.occurred,
                        State.ENDED,
                        reason.value,
                        event=event.id,
                    )

    def _stop(self, marks: Mapping[Occasion, StopMark]) -> Counter[str]:
        """End what waits for an occasion that was refunded or cancelled."""
        keys = [
            Key(occasion, campaign.id)
            for occasion in marks
            for campaign in self._campaigns.values()
            if (campaign.shop, campaign.event) == (occasion.shop, occasion.kind)
        ]
        return self._stop_marked(self._ledger.read_invitations(keys).values())

    def _stop_marked(self, invitations: Collection[Invitation]) -> Counter[str]:
        marks = self._ledger.read_marks({each.key.occasion for each in invitations})
        return self._end(
            (each, stopped_by(marks.get(each.key.occasion), self._campaigns[each.key.campaign]))
            for each in invitations
        )

    def _leavings(self, events: Sequence[ShopEvent]) -> Iterator[Leaving]:
        for event in events:
            if isinstance(event, Unsubscribe | Erasure):
                erase = isinstance(event, Erasure)
                reason = Reason.ERASED if erase else Reason.UNSUBSCRIBED
                who = customer_ref(event.shop, customer_key(event.email, self._secret))
                yield Leaving(who, reason.value, event.occurred, erase=erase)

    def _leave(self, leavings: Sequence[Leaving]) -> Counter[str]:
        """End what waits for customers who left. What the index shows too late, its claim will refuse."""
        reasons = {each.customer: Reason(each.reason) for each in leavings}
        keys = [key for customer in reasons for key in self._ledger.invitations_of(customer)]
        found = self._ledger.read_invitations(keys).values()
        return self._end((each, reasons[each.customer]) for each in found)

    def _end(self, endings: Iterable[tuple[Invitation, Reason | None]]) -> Counter[str]:
        moves = [
            Move(each, State.ENDED, reason=reason.value)
            for each, reason in endings
            if reason and each.state in {State.PENDING, State.HELD}
        ]
        moved = self._ledger.move(moves)
        done: defaultdict[str, list[Move]] = defaultdict(list)
        for move in moves:
            if move.invitation.key in moved:
                done[move.invitation.key.campaign].append(move)
        return self._note({campaign: count_moves(mine) for campaign, mine in done.items()})

    def _note(self, became: Mapping[str, Counter[str]]) -> Counter[str]:
        """Note what became of each campaign's invitations; return it over all of them."""
        for campaign, counts in became.items():
            self._notes.became(campaign, counts)
        return sum(became.values(), Counter())


def _customer(event: Purchase | Signup, who: str) -> Customer:
    person = event.customer
    return Customer(
        who,
        email=person.email,
        name=person.name,
        language=person.language,
        zone=person.zone,
        token=person.token,
        seen_at=event.occurred,
    )


def _is_due(invitation: Invitation, now: int) -> bool:
    return invitation.state is State.PENDING and invitation.due <= now


def _unless_suppressed(invitation: Invitation, customers: Mapping[str, Customer]) -> Invitation:
    customer = customers.get(invitation.customer)
    if customer is None or not customer.suppressed or invitation.state is State.ENDED:
        return invitation
    return replace(invitation, state=State.ENDED, reason=customer.suppressed)


def _marks(events: Sequence[ShopEvent]) -> dict[Occasion, StopMark]:
    marks: dict[Occasion, StopMark] = {}
    for event in events:
        if isinstance(event, Refund | Cancellation):
            kind, identifier = event.stops
            occasion = Occasion(event.shop, kind, identifier)
            known = marks.get(occasion)
            mark = _mark(event)
            if known is None or known.partial:
                marks[occasion] = mark
    return marks


def _mark(event: Refund | Cancellation) -> StopMark:
    if isinstance(event, Cancellation):
        return StopMark("cancelled", event.occurred, None, partial=False)
    amount = None if event.amount is None else str(event.amount)
    return StopMark("refunded", event.occurred, amount, partial=event.partial)
