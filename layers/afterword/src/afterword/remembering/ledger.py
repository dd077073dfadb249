"""The ledger's port. Two adapters keep it: DynamoDB and, for tests and simulations, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from afterword.deciding.rules import StopMark
    from afterword.remembering.pauses import Pause
    from afterword.remembering.records import (
        Batch,
        Claim,
        Claimed,
        Customer,
        Invitation,
        Key,
        Leaving,
        Move,
        Occasion,
        Way,
    )


class LedgerError(Exception):
    """The ledger did not answer as it must. Nothing may be sent; whoever asked tries again later."""


class Ledger(Protocol):
    """The only memory. Every write is conditional and may be repeated. All methods raise LedgerError."""

    def remember_customers(
        self, customers: Collection[Customer], now: int
    ) -> Mapping[str, Customer]:
        """Store addresses and names, the newest `seen_at` wins.

        Return, by key and as the ledger has them now, those of whom it knows anything else: that they left, or what
        other events told.
        """
        ...

    def create(self, invitations: Collection[Invitation], now: int) -> set[Key]:
        """Create what is new; return the keys that were."""
        ...

    def campaigns(self) -> set[str]:
        """List every campaign that ever created an invitation here, also those that are no more."""
        ...

    def put_marks(self, marks: Mapping[Occasion, StopMark], now: int) -> None:
        """Write stop marks. A partial refund never replaces a mark."""
        ...

    def read_marks(self, occasions: Collection[Occasion]) -> dict[Occasion, StopMark]:
        """Read stop marks, strongly consistent."""
        ...

    def read_invitations(self, keys: Collection[Key]) -> dict[Key, Invitation]:
        """Read invitations, strongly consistent; unknown ones are left out."""
        ...

    def read_customers(self, keys: Collection[str]) -> dict[str, Customer]:
        """Read customers, strongly consistent; unknown ones are left out."""
        ...

    def move(self, moves: Collection[Move]) -> set[Key]:
        """Change invitations that still are as they were read; return the keys of those that were."""
        ...

    def suppress(self, leavings: Collection[Leaving]) -> None:
        """Never ask these customers again, and forget names and addresses."""
        ...

    def readmit(self, customer: str, now: int) -> bool:
        """Let a customer who was suppressed be asked again; False: was not, or was erased. `now` is wall time."""
        ...

    def invitations_of(self, customer: str) -> list[Key]:
        """List a customer's invitations (eventually consistent)."""
        ...

    def asked_by(self, shop: str, event: str) -> Iterator[list[Key]]:
        """Look through the whole ledger, page by page, for the invitations that a shop event asked for.

        It takes long, so it is for a person, never for a function. Most pages are empty.
        """
        ...

    def due(self, campaign: str, now: int, limit: int) -> list[Key]:
        """List up to `limit` pending invitations of a campaign due by `now` (business time); fewer are all.

        The soonest first.
        """
        ...

    def due_times(self, campaign: str, most: int) -> list[int]:
        """Tell when a campaign's pending invitations are due (business times), the soonest first; fewer are all.

        Eventually consistent, and as cheap with a million of them as with `most`.
        """
        ...

    def open_batch(self, batch: Batch, members: Sequence[Key]) -> None:
        """Write a batch with its members: the claim that follows has a name."""
        ...

    def claim(self, batch: Batch, claims: Sequence[Claim], now: int) -> Claimed:
        """Claim pending invitations for a batch, or create new ones as claimed.

        Each together with what its claim says of its customer's record, such as the contact cap (business `now`). Who
        has left is refused there; where the record is no part of the claim, whoever claims looks at it afterwards.
        """
        ...

    def read_batch(self, batch: str) -> Batch | None:
        """Read a batch, strongly consistent."""
        ...

    def read_members(self, batch: Batch) -> list[Key]:
        """Read a batch's members, in the order of the call."""
        ...

    def change_batch(self, old: Batch, new: Batch) -> bool:
        """Replace a batch if its state and `due` still are those of `old`; False: somebody was faster."""
        ...

    def due_batches(self, now: int, limit: int) -> list[Batch]:
        """List batches that somebody has to look after by `now` (wall time), the oldest first."""
        ...

    def read_way(self, account: str, survey: int) -> Way:
        """Read what is known of an account and a survey's slot, and all pauses, strongly consistent."""
        ...

    def swap_way(self, old: Way, new: Way) -> bool:
        """Replace account and slot if neither has changed since `old` was read; False: it has."""
        ...

    def pauses(self) -> Mapping[str, Pause]:
        """Read what a person has paused, by name, strongly consistent; also what has ended by itself."""
        ...

    def put_pause(self, name: str, pause: Pause) -> None:
        """Pause something, in place of an earlier pause of the same."""
        ...

    def end_pause(self, name: str) -> bool:
        """Forget a pause; False: there was none."""
        ...

    def held(self, campaign: str) -> Iterator[Invitation | Batch]:
        """Walk through what a campaign has held, the oldest first, in bounded memory.

        It may be resolved on the way. A held batch's members are read by `read_members`.
        """
        ...

    def count_held(self, campaign: str, most: int) -> int:
        """Count the invitations that a campaign has held, those in held batches too.

        Looks at `most` entries (eventually consistent), each of them an invitation or a batch.
        """
        ...

    def waiting(self, campaign: str, until: int) -> Iterator[Key]:
        """Walk through a campaign's pending invitations due by `until` (business time), in bounded memory.

        The soonest first. Eventually consistent: some may have moved on since.
        """
        ...

    def open_batches(self) -> Iterator[Batch]:
        """Walk through all batches that somebody has to look after at any time, in bounded memory."""
        ...
