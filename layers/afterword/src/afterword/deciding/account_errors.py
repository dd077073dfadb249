"""What goes wrong with accounts, apart from their models: to catch an error costs no more than this."""

from __future__ import annotations


class AccountError(Exception):
    """An account, or its credentials, that cannot be used.

    Attributes:
        account: Its name.
        faults: Every field at fault and what to change there, without the values.
    """

    def __init__(self, account: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"account {account}: {'; '.join(faults)}")
        self.account = account
        self.faults = faults
