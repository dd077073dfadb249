"""The provider's port: who invites. One module each; nothing outside it knows the wire format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person to invite. `repr` hides the person. `correlation_id` is for logs alone: providers never see it."""

    email: str
    name: str | None
    language: str
    token: str | None = None
    correlation_id: str | None = None

    def __repr__(self) -> str:
        """Return nothing personal: a traceback or a log may show it."""
        return "Recipient(…)"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a campaign says of its calls, beyond the survey. `delay` in minutes, for a provider that is to wait."""

    template: int | None = None
    footer: bool = True
    delay: int = 0
    resends: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider accepted the call. `id` is its number for it, where the answer could be read."""

    id: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider created nothing because of what was in the call.

    `suppresses`: because this person does not want to be asked any more.
    """

    reason: str
    suppresses: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Certainly not processed, unless `doubtful`: due again.

    `after` is the provider's own word, in seconds. `whole_account`: it concerns every survey of the account.
    `outage`: counts towards the breaker. `breaks`: opens the breaker at once. `doubtful`: perhaps processed all the
    same, but the campaign would rather ask twice.
    """

    reason: str
    after: int | None = None
    whole_account: bool = False
    outage: bool = False
    breaks: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody here can know whether the call was processed."""

    reason: str


# No invitation's id is above it: none has more than 64 bits.
LAST_ID = 2**63 - 1
# The batch's key came before, with another body.
KEY_TAKEN = Uncertain("idempotency_mismatch")


@dataclass(frozen=True, slots=True)
class Puzzling:
    """Nobody was invited, and neither trying again nor giving up is a safe guess: a person must look."""

    reason: str


type Known = Sent | Refused | Retry | Uncertain
type Single = Known | Puzzling


@dataclass(frozen=True, slots=True)
class Each:
    """One outcome for each recipient, in the order of the call."""

    outcomes: tuple[Single, ...]

    def count_sent(self) -> int:
        """Count those who were invited."""
        return sum(isinstance(each, Sent) for each in self.outcomes)

    def count_refused(self) -> int:
        """Count those whom the provider refused for another reason than that they left."""
        return sum(isinstance(each, Refused) and not each.suppresses for each in self.outcomes)

    def for_the_way(self) -> Sent | Retry:
        """Return what they mean for those who come next: the longest pause, an outage, or a way that is free."""
        others = [each for each in self.outcomes if not isinstance(each, Sent)]
        certain = [each for each in others if not _is_unclear(each)]
        retries = [each for each in certain if isinstance(each, Retry)]
        if len(certain) < len(others) == len(self.outcomes):
            # Else a fault of the whole account would leave a whole lane to a person.
            retries.append(Retry("unclear", outage=True))
        if retries:
            return max(retries, key=lambda each: (each.after or 0, each.breaks, each.outage))
        return Sent(None)


def _is_unclear(outcome: Single) -> bool:
    return isinstance(outcome, Uncertain | Puzzling) or (
        isinstance(outcome, Retry) and outcome.doubtful
    )


type Outcome = Known | Each

# What a reason is called in metrics and logs.
_LABELS = {
    "credentials": "credentials",
    "quota": "quota",
    "http_429": "rate_limited",
    "still_being_sent": "busy",
    "not_called": "not_called",
}


def label(outcome: Single) -> str:
    """Return what an answer meant, as one of a short list of words."""
    match outcome:
        case Sent():
            return "sent"
        case Refused():
            return "refused"
        case Uncertain() | Retry(doubtful=True):
            return "uncertain"
        case Puzzling():
            return "puzzling"
        case Retry(reason) if reason.startswith(("unreachable", "no answer")):
            return "unreachable"
        case Retry(reason):
            return _LABELS.get(reason, "retry")


@dataclass(frozen=True, slots=True)
class Seen:
    """An invitation as the provider shows it. `created_at` in Unix seconds."""

    id: int
    created_at: int
    status: str | None
    recipients: int | None


class LookUpError(Exception):
    """The provider could not be asked what it knows. `retry` says when to try again."""

    def __init__(self, retry: Retry) -> None:
        super().__init__(retry.reason)
        self.retry = retry


class Provider(Protocol):
    """An account at a provider.

    `most_recipients` a call; `call_seconds` the longest that `invite` takes, all in all; `calls_per_minute` the
    account's rate; `replays_key`: the same key and bytes again are answered alike and invite nobody twice;
    `one_by_one`: each recipient is a call of its own, known by a token, and nothing can be asked about it later.
    """

    most_recipients: int
    call_seconds: int
    calls_per_minute: int
    replays_key: bool
    one_by_one: bool

    def fault(self, terms: Terms) -> str | None:
        """Return what a campaign lacks for this provider, or None."""
        ...

    def encode(self, recipients: Sequence[Recipient], terms: Terms = ...) -> bytes:
        """Return the call's body: the same recipients and terms give the same bytes."""
        ...

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        """Invite. Never raises for what the provider or the network does."""
        ...

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        """List the survey's invitations with a higher id; above `LAST_ID` there is none to look for, so ask once.

        Raises LookUpError.
        """
        ...

    def show(self, survey: int, invitation: int) -> Seen:
        """Show one invitation. Raises LookUpError."""
        ...
