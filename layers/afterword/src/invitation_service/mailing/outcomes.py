"""What may become of a mail. Reasons are short words of ours: a server's text repeats addresses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """The mail server took it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The mail server will never take it; others it may."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """The mail server did not take it now; it certainly does not have it.

    Attributes:
        reason: Why.
        account_fault: Whether it stays so until the account's settings change.
    """

    reason: str
    account_fault: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The mail was on its way when the answer stayed out: the server may have it or not."""

    reason: str


type Outcome = Delivered | Refused | Later | Uncertain


class MailServerError(Exception):
    """There is no connection to the mail server; nothing was sent.

    Args:
        reason: Why: a short word.
        account_fault: Whether it stays so until the account's settings change.
    """

    def __init__(self, reason: str, *, account_fault: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.account_fault = account_fault
