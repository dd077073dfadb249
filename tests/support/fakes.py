"""Fakes: a provider that behaves as told, a clock that is set by hand."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from afterword.sending.provider import KEY_TAKEN, LookUpError, Retry, Seen, Sent
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.sending.provider import Outcome, Recipient, Terms


@dataclass
class Clock:
    """Wall time, set by hand."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: int) -> None:
        self.now += seconds


@dataclass
class Accepted:
    id: int
    emails: list[str]
    key: str
    created_at: int
    status: str = "scheduled"


@dataclass
class FakeProvider:
    """Accepts calls unless `outcomes` says otherwise for the next ones; remembers whom it invited.

    A planned outcome may be a function of the call's addresses: it may accept the call and lose the answer.
    """

    clock: Clock
    replays_key: bool = True
    one_by_one: bool = False
    most_recipients: int = 10_000
    call_seconds: int = 10
    calls_per_minute: int = 1000
    outcomes: deque[Outcome | Callable[[list[str]], Outcome | None]] = field(default_factory=deque)
    accepted: list[Accepted] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    look_ups: int = 0
    unreachable: Retry | None = None
    ids: count[int] = field(default_factory=lambda: count(1))

    def fault(self, terms: Terms) -> str | None:
        del terms
        return None

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        del terms
        return json.dumps([[each.email, each.name, each.language] for each in recipients]).encode()

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        del survey
        emails = self.emails(body)
        self.calls.append(emails)
        if self.outcomes:
            planned = self.outcomes.popleft()
            outcome = planned(emails) if callable(planned) else planned
            if outcome is not None:
                return outcome
        if self.replays_key and any(
            known.key == key and known.emails != emails for known in self.accepted
        ):
            return KEY_TAKEN
        return self.accept(emails, key)

    @staticmethod
    def emails(body: bytes) -> list[str]:
        return [email for email, _, _ in json.loads(body)]

    def accept(self, emails: list[str], key: str) -> Sent:
        for known in self.accepted:
            if self.replays_key and known.key == key:
                return Sent(known.id)
        self.accepted.append(Accepted(next(self.ids), emails, key, self.clock()))
        return Sent(self.accepted[-1].id)

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        del survey
        self._look_up()
        return [self._seen(each) for each in self.accepted if each.id > after_id]

    def show(self, survey: int, invitation: int) -> Seen:
        del survey
        self._look_up()
        return next(self._seen(each) for each in self.accepted if each.id == invitation)

    def _look_up(self) -> None:
        self.look_ups += 1
        if self.unreachable:
            raise LookUpError(self.unreachable)

    @staticmethod
    def _seen(each: Accepted) -> Seen:
        return Seen(each.id, each.created_at, each.status, len(each.emails))

    @property
    def invited(self) -> list[str]:
        """Every address that was invited, as often as it was."""
        return [email for each in self.accepted for email in each.emails]
