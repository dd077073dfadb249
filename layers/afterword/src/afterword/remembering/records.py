"""What the ledger holds, as plain values.

All times are Unix seconds. *Business* times decide what is due, *wall* times rule leases and limits (docs/design.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from afterword.noting import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterword.remembering.pauses import Pause

# What a customer's record forgets when the customer leaves.
PERSONAL = ("email", "name", "language", "zone", "token")

# What needs no escape: https://www.rfc-editor.org/rfc/rfc3986#section-2.3
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


class State(StrEnum):
    """Where an invitation stands. What became of a claimed one is read on its batch."""

    PENDING = "pending"
    CLAIMED = "claimed"
    HELD = "held"
    ENDED = "ended"


class BatchState(StrEnum):
    """Where a call to a provider stands."""

    CLAIMING = "claiming"
    CALLING = "calling"
    SENT = "sent"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    HELD = "held"
    RELEASING = "releasing"
    RELEASED = "released"
    DROPPED = "provider_dropped"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What an invitation is about: an order, a signup. Business keys only, never a message id."""

    shop: str
    kind: str
    id: str

    def __hash__(self) -> int:
        """Return the id's: nearly all differ in it, and Python keeps a text's hash, but not a record's."""
        return hash(self.id)

    def __str__(self) -> str:
        """Return `shop#kind#id`, each part escaped, so that no shop can forge another's key."""
        return f"{_escaped(self.shop)}#{_escaped(self.kind)}#{_escaped(self.id)}"

    @classmethod
    def parse(cls, text: str) -> Occasion:
        """Return the occasion that `str()` wrote."""
        shop, kind, identifier = (_unescaped(part) for part in text.split("#"))
        return cls(shop, kind, identifier)


@dataclass(frozen=True, slots=True)
class Key:
    """The identity of an invitation."""

    occasion: Occasion
    campaign: str

    def __hash__(self) -> int:
        """Return the occasion's: few campaigns share one."""
        return hash(self.occasion.id)

    def __str__(self) -> str:
        """Return the identity as one word, for logs and for the contact cap's reservation."""
        return f"{self.occasion}#{self.campaign}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the identity that `str()` wrote. Raises ValueError."""
        occasion, _, campaign = text.rpartition("#")
        return cls(Occasion.parse(occasion), campaign)


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation: due at a time (business), or ended with a reason.

    `first_due` is there once `due` has been put off: from it the expiry counts. `held_at` is since when it waits for a
    person, and there only while it does. `event` is the id of the shop event that asked for it.
    """

    key: Key
    customer: str
    occurred_at: int
    due: int
    state: State = State.PENDING
    reason: str | None = None
    batch: str | None = None
    attempts: int = 0
    batch_limit: int | None = None
    first_due: int | None = None
    held_at: int | None = None
    event: str | None = None

    @property
    def correlation_id(self) -> str:
        """Under which id logs name it everywhere: the shop event's, or its own where that was not kept yet."""
        return shown(self.event or str(self.key))


@dataclass(frozen=True, slots=True)
class Move:
    """An invitation, as it was read, and what is to become of it.

    `gives_back` returns the contact cap's reservation to the customer: nobody was asked. `asked_at` notes on the
    customer that somebody was, and when. `held_at` is since when it is held.
    """

    invitation: Invitation
    state: State
    reason: str | None = None
    due: int | None = None
    batch_limit: int | None = None
    attempts: int | None = None
    gives_back: bool = False
    asked_at: int | None = None
    held_at: int | None = None

    def after(self) -> Invitation:
        """Return the invitation as it will be. Only an ended one still names its batch."""
        was = self.invitation
        is_put_off = self.due is not None and was.first_due is None
        return replace(
            was,
            first_due=was.due if is_put_off else was.first_due,
            state=self.state,
            reason=self.reason,
            due=was.due if self.due is None else self.due,
            batch=was.batch if self.state is State.ENDED else None,
            batch_limit=self.batch_limit or was.batch_limit,
            attempts=was.attempts if self.attempts is None else self.attempts,
            held_at=self.held_at if self.state is State.HELD else None,
        )


def customer_ref(shop: str, key: str) -> str:
    """Return how the ledger names a customer: the shop is in every key."""
    return f"{_escaped(shop)}#{key}"


# Nearly all ids need nothing, and to import what the others need takes a thirtieth of a function's start.


def _escaped(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    from urllib.parse import quote  # noqa: PLC0415

    return quote(part, safe="")


def _unescaped(part: str) -> str:
    if "%" not in part:
        return part
    from urllib.parse import unquote  # noqa: PLC0415

    return unquote(part)


@dataclass(frozen=True, slots=True)
class Customer:
    """A person in one shop. The only record with personal data; `key` is the shop and an HMAC of the address."""

    key: str
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    zone: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    seen_at: int = 0
    last_at: int | None = None
    last_by: str | None = None
    suppressed: str | None = None
    erased_at: int | None = None

    def takes(self, told: Customer) -> bool:
        """Tell whether what an event told of this customer counts: not about who left, nor from before the last one."""
        return not self.suppressed and self.seen_at <= told.seen_at

    def with_news(self, told: Customer) -> Customer:
        """Return the customer as the ledger and, if it is newer, an event have it. Not for who left."""
        return self.told(told) if self.takes(told) or self.email is None else self

    def told(self, told: Customer) -> Customer:
        """Return the customer as an event told; what it left out stays as it was."""
        news = {each.name: getattr(told, each.name) for each in fields(told)}
        return replace(self, **{name: value for name, value in news.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody does not want to be asked any more, or (`erase`) to be known at all. `at` is when they said so."""

    customer: str
    reason: str
    at: int
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """An invitation to be claimed, and what that means to its customer's record.

    Attributes:
        invitation: Pending; or, if `is_new`, one that is to be created as claimed.
        cap: The contact cap (seconds) that its campaign keeps.
        notes: Whether the record says that the customer is asked now, for whatever cap.
        told: What its event told of the customer, to be remembered with the claim.
        is_new: Whether no ledger has it yet.
    """

    invitation: Invitation
    cap: int | None = None
    notes: bool = True
    told: Customer | None = None
    is_new: bool = False

    @property
    def is_guarded(self) -> bool:
        """Tell whether the customer's record is part of the claim, so that who has left is refused by it."""
        return self.notes or self.told is not None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of claims: won, or refused by the customer's record. Those in neither were lost to another.

    A new one is lost if it is in the ledger already, whatever its state.
    """

    won: frozenset[Key]
    refused: Mapping[Key, Customer]


@dataclass(frozen=True, slots=True)
class Batch:
    """One call to a provider: the claim on its members.

    `due` is the wall time at which somebody else may look after it: the lease while claiming and calling, the next
    check after that; None once nothing is left to do. `size` counts the recipients of the call. `after_id` is the
    provider's highest invitation id before the call. `notes`: its claims stand on their customers' records.
    """

    id: str
    campaign: str
    account: str
    survey: int
    size: int
    created_at: int
    due: int | None
    state: BatchState = BatchState.CLAIMING
    called_at: int | None = None
    after_id: int | None = None
    digest: str | None = None
    provider_id: int | None = None
    reason: str | None = None
    split: int | None = None
    checks: int = 0
    notes: bool = True

    def is_due(self, now: int) -> bool:
        """Tell whether somebody has to look after it by `now` (wall time). Held ones wait for a person."""
        return self.state is not BatchState.HELD and self.due is not None and self.due <= now


@dataclass(frozen=True, slots=True)
class AccountState:
    """What all instances know of a provider's account. `version` 0: never written. `spent`: see `sending.budget`."""

    version: int = 0
    failures: int = 0
    not_before: int = 0
    probe_until: int = 0
    spent: str = ""


@dataclass(frozen=True, slots=True)
class SlotState:
    """One survey's slot: the one call in flight, and how its recipients fared today. `version` 0: never written.

    `begins` and `ends` (Unix milliseconds) and `calls` are what the holder has reserved of the account's budget.
    """

    version: int = 0
    holder: str | None = None
    until: int = 0
    begins: int = 0
    ends: int = 0
    calls: int = 0
    not_before: int = 0
    failures: int = 0
    day: int = 0
    sent: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """All that must be free before a call: the account and the survey's slot; and no person has paused it."""

    account: str
    survey: int
    account_state: AccountState = AccountState()
    slot: SlotState = SlotState()
    pauses: Mapping[str, Pause] = field(default_factory=dict)

    def is_known(self) -> bool:
        """Tell whether the ledger has a record of both, as far as this one knows."""
        return bool(self.account_state.version and self.slot.version)

    def swapped(self) -> Way:
        """Return this way as the ledger has it after it was swapped in."""
        account, slot = self.account_state, self.slot
        return replace(
            self,
            account_state=replace(account, version=account.version + 1),
            slot=replace(slot, version=slot.version + 1),
        )
