"""The ledger in memory: for tests, simulations and dry runs. Held to the same contract as the DynamoDB adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from afterword.remembering.records import (
    PERSONAL,
    AccountState,
    Batch,
    BatchState,
    Claim,
    Claimed,
    Customer,
    Invitation,
    Key,
    Leaving,
    Move,
    Occasion,
    SlotState,
    State,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from afterword.deciding.rules import StopMark
    from afterword.remembering.pauses import Pause


class MemoryLedger:
    """An in-memory twin of `DynamoDbLedger`."""

    def __init__(self) -> None:
        self._invitations: dict[Key, Invitation] = {}
        self._customers: dict[str, Customer] = {}
        self._reservations: dict[str, int | None] = {}
        self._marks: dict[Occasion, StopMark] = {}
        self._batches: dict[str, Batch] = {}
        self._members: dict[str, list[Key]] = {}
        self._accounts: dict[str, AccountState] = {}
        self._slots: dict[tuple[str, int], SlotState] = {}
        self._pauses: dict[str, Pause] = {}

    def remember_customers(
        self, customers: Collection[Customer], now: int
    ) -> Mapping[str, Customer]:
        """See `Ledger`."""
        del now  # Nothing grows old here.
        found = {}
        for told in customers:
            known = self._customers.get(told.key, Customer(told.key))
            if known.takes(told):
                known = self._customers[told.key] = known.told(told)
                if all(getattr(known, name) == getattr(told, name) for name in PERSONAL):
                    continue
            found[told.key] = known
        return found

    def create(self, invitations: Collection[Invitation], now: int) -> set[Key]:
        """See `Ledger`."""
        del now
        new = {each.key: each for each in invitations if each.key not in self._invitations}
        self._invitations |= new
        return set(new)

    def campaigns(self) -> set[str]:
        """See `Ledger`."""
        return {key.campaign for key in self._invitations}

    def put_marks(self, marks: Mapping[Occasion, StopMark], now: int) -> None:
        """See `Ledger`."""
        del now
        for occasion, mark in marks.items():
            if not mark.partial or occasion not in self._marks:
                self._marks[occasion] = mark

    def read_marks(self, occasions: Collection[Occasion]) -> dict[Occasion, StopMark]:
        """See `Ledger`."""
        return {each: self._marks[each] for each in occasions if each in self._marks}

    def read_invitations(self, keys: Collection[Key]) -> dict[Key, Invitation]:
        """See `Ledger`."""
        return {key: self._invitations[key] for key in keys if key in self._invitations}

    def read_customers(self, keys: Collection[str]) -> dict[str, Customer]:
        """See `Ledger`."""
        return {key: self._customers[key] for key in keys if key in self._customers}

    def move(self, moves: Collection[Move]) -> set[Key]:
        """See `Ledger`."""
        moved = set()
        for move in moves:
            was = move.invitation
            now = self._invitations.get(was.key)
            if now is None or (now.state, now.batch) != (was.state, was.batch):
                continue
            self._invitations[was.key] = move.after()
            if move.gives_back:
                self._give_back(was)
            if move.asked_at is not None:
                self._note_asked(was, move.asked_at)
            moved.add(was.key)
        return moved

    def _give_back(self, invitation: Invitation) -> None:
        customer = self._customers.get(invitation.customer)
        if customer and customer.last_by == str(invitation.key):
            before = self._reservations.pop(customer.key, None)
            self._customers[customer.key] = replace(customer, last_at=before, last_by=None)

    def _note_asked(self, invitation: Invitation, at: int) -> None:
        customer = self._customers.get(invitation.customer)
        if customer and (customer.last_at is None or customer.last_at < at):
            self._customers[customer.key] = replace(
                customer, last_at=at, last_by=str(invitation.key)
            )

    def suppress(self, leavings: Collection[Leaving]) -> None:
        """See `Ledger`."""
        for each in leavings:
            known = self._customers.get(each.customer, Customer(each.customer))
            self._customers[each.customer] = Customer(
                each.customer,
                seen_at=known.seen_at,
                last_at=known.last_at,
                last_by=known.last_by,
                suppressed=known.suppressed or each.reason,
                erased_at=each.at if each.erase else known.erased_at,
            )

    def readmit(self, customer: str, now: int) -> bool:
        """See `Ledger`."""
        del now
        known = self._customers.get(customer)
        if known is None or not known.suppressed or known.erased_at is not None:
            return False
        self._customers[customer] = replace(known, suppressed=None)
        return True

    def invitations_of(self, customer: str) -> list[Key]:
        """See `Ledger`."""
        return [each.key for each in self._invitations.values() if each.customer == customer]

    def asked_by(self, shop: str, event: str) -> Iterator[list[Key]]:
        """See `Ledger`."""
        found = self._invitations.values()
        yield [each.key for each in found if (each.key.occasion.shop, each.event) == (shop, event)]

    def due(self, campaign: str, now: int, limit: int) -> list[Key]:
        """See `Ledger`."""
        due = [
            each
            for each in self._invitations.values()
            if each.key.campaign == campaign and each.state is State.PENDING and each.due <= now
        ]
        return [each.key for each in sorted(due, key=lambda each: each.due)][:limit]

    def due_times(self, campaign: str, most: int) -> list[int]:
        """See `Ledger`."""
        pending = (
            each.due
            for each in self._invitations.values()
            if each.key.campaign == campaign and each.state is State.PENDING
        )
        return sorted(pending)[:most]

    def open_batch(self, batch: Batch, members: Sequence[Key]) -> None:
        """See `Ledger`."""
        self._batches.setdefault(batch.id, batch)
        self._members.setdefault(batch.id, list(members))

    def claim(self, batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
        """See `Ledger`."""
        won, refused = set(), {}
        for claim in claims:
            known = self._invitations.get(claim.invitation.key)
            invitation = known or claim.invitation
            if not (_is_free(known, batch, claim) if known else claim.is_new):
                continue
            customer = self._customers.get(invitation.customer, Customer(invitation.customer))
            if claim.is_guarded and not _may_be_asked(customer, claim, now):
                refused[invitation.key] = customer
                continue
            self._note_on_customer(customer, claim, now)
            self._invitations[invitation.key] = replace(
                invitation, state=State.CLAIMED, batch=batch.id, reason=None
            )
            won.add(invitation.key)
        return Claimed(frozenset(won), refused)

    def _note_on_customer(self, customer: Customer, claim: Claim, now: int) -> None:
        noted = customer.told(claim.told) if claim.told else customer
        if claim.notes:
            self._reservations[customer.key] = customer.last_at
            noted = replace(noted, last_at=now, last_by=str(claim.invitation.key))
        if claim.is_guarded:
            self._customers[customer.key] = noted

    def read_batch(self, batch: str) -> Batch | None:
        """See `Ledger`."""
        return self._batches.get(batch)

    def read_members(self, batch: Batch) -> list[Key]:
        """See `Ledger`."""
        return list(self._members.get(batch.id, ()))

    def change_batch(self, old: Batch, new: Batch) -> bool:
        """See `Ledger`."""
        now = self._batches.get(old.id)
        if now is None or (now.state, now.due) != (old.state, old.due):
            return False
        self._batches[old.id] = new
        return True

    def due_batches(self, now: int, limit: int) -> list[Batch]:
        """See `Ledger`."""
        due = [each for each in self._batches.values() if each.is_due(now)]
        return sorted(due, key=lambda each: each.due or 0)[:limit]

    def read_way(self, account: str, survey: int) -> Way:
        """See `Ledger`."""
        return Way(
            account,
            survey,
            self._accounts.get(account, AccountState()),
            self._slots.get((account, survey), SlotState()),
            dict(self._pauses),
        )

    def swap_way(self, old: Way, new: Way) -> bool:
        """See `Ledger`."""
        now = self.read_way(old.account, old.survey)
        if (now.account_state.version, now.slot.version) != (
            old.account_state.version,
            old.slot.version,
        ):
            return False
        base = replace(
            new,
            account_state=replace(new.account_state, version=old.account_state.version),
            slot=replace(new.slot, version=old.slot.version),
        ).swapped()
        self._accounts[new.account] = base.account_state
        self._slots[new.account, new.survey] = base.slot
        return True

    def pauses(self) -> Mapping[str, Pause]:
        """See `Ledger`."""
        return dict(self._pauses)

    def put_pause(self, name: str, pause: Pause) -> None:
        """See `Ledger`."""
        self._pauses[name] = pause

    def end_pause(self, name: str) -> bool:
        """See `Ledger`."""
        return self._pauses.pop(name, None) is not None

    def held(self, campaign: str) -> Iterator[Invitation | Batch]:
        """See `Ledger`."""
        invitations = [
            each
            for each in self._invitations.values()
            if each.key.campaign == campaign and each.state is State.HELD
        ]
        batches = [
            each
            for each in self._batches.values()
            if each.campaign == campaign and each.state is BatchState.HELD
        ]
        found: list[Invitation | Batch] = [*invitations, *batches]
        yield from sorted(found, key=lambda each: each.due or 0)

    def count_held(self, campaign: str, most: int) -> int:
        """See `Ledger`."""
        found = list(self.held(campaign))[:most]
        return sum(each.size if isinstance(each, Batch) else 1 for each in found)

    def waiting(self, campaign: str, until: int) -> Iterator[Key]:
        """See `Ledger`."""
        yield from self.due(campaign, until, len(self._invitations))

    def open_batches(self) -> Iterator[Batch]:
        """See `Ledger`."""
        for each in list(self._batches.values()):
            if each.due is not None and each.state is not BatchState.HELD:
                yield each


def _may_be_asked(customer: Customer, claim: Claim, now: int) -> bool:
    if customer.suppressed:
        return False
    mine = customer.last_by == str(claim.invitation.key)
    if not claim.notes or claim.cap is None or customer.last_at is None or mine:
        return True
    return customer.last_at <= now - claim.cap


def _is_free(invitation: Invitation, batch: Batch, claim: Claim) -> bool:
    is_mine = (invitation.state, invitation.batch) == (State.CLAIMED, batch.id)
    return is_mine or (invitation.state is State.PENDING and not claim.is_new)
