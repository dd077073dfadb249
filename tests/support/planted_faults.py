"""Faults of ours, planted in a function's instance: whoever looks for such must find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from afterword.remembering.records import Invitation, Key
    from afterword.sending.provider import Outcome

_EACH = 50


def lose_some() -> None:
    """Say of each fiftieth invitation of a batch that it was written."""
    from afterword.remembering.dynamodb import DynamoDbLedger

    create = DynamoDbLedger.create

    def forgetful(self: DynamoDbLedger, invitations: Collection[Invitation], now: int) -> set[Key]:
        listed = list(invitations)
        kept = [each for number, each in enumerate(listed) if number % _EACH]
        return create(self, kept, now) | {each.key for each in listed[::_EACH]}

    DynamoDbLedger.create = forgetful  # type: ignore[method-assign]  # it is what is planted


def ask_twice() -> None:
    """Make every call a second time, under another key."""
    from afterword.sending.nps import NpsProvider

    invite = NpsProvider.invite

    def insistent(self: NpsProvider, survey: int, body: bytes, key: str) -> Outcome:
        invite(self, survey, body, f"{key}-again")
        return invite(self, survey, body, key)

    NpsProvider.invite = insistent  # type: ignore[method-assign]  # it is what is planted


def forget_refunds() -> None:
    """Write no stop mark."""
    from afterword.remembering.dynamodb import DynamoDbLedger

    def forgetful(*_: Any) -> None:
        """Do nothing."""

    DynamoDbLedger.put_marks = forgetful  # type: ignore[method-assign, assignment]  # it is what is planted


def all_at_once() -> None:
    """Plant each of them: one soak finds all."""
    lose_some()
    ask_twice()
    forget_refunds()
