"""From an account's name to its provider."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.sending.calls import NeverSentError
from afterword.sending.concurrent_http import ConcurrentHttp
from afterword.sending.netquest import NetquestProvider
from afterword.sending.nps import NpsProvider
from afterword.sending.watching import Watched, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from afterword.deciding.accounts import Account, Credentials
    from afterword.noting import Notes
    from afterword.remembering.parameters import Parameters
    from afterword.sending.provider import Provider

# A call of 10,000 recipients is a body of about 2 MB.
CALL_SECONDS = 20


class Providers:
    """Makes providers out of what operators put into Parameter Store; one and the same while an account is unchanged.

    Args:
        parameters: Parameter Store.
        clock: Wall time, Unix seconds.
        notes: Where calls and their outcomes are noted.
    """

    def __init__(self, parameters: Parameters, clock: Callable[[], int], notes: Notes) -> None:
        self._parameters = parameters
        self._clock = clock
        self._notes = notes
        self._made: dict[Account, Provider] = {}

    def __call__(self, name: str) -> Provider:
        """Return the provider behind an account's name. Raises AccountError, ParametersError."""
        account = self._parameters.account(name)
        if account not in self._made:
            made = self._netquest if account.provider == "netquest" else self._nps
            self._made[account] = Watched(made(account), name, self._notes)
        return self._made[account]

    def _nps(self, account: Account) -> Provider:
        # requests, which a shop with accounts at Netquest alone can do without.
        from afterword.sending.http import Http  # noqa: PLC0415

        authenticate = self._authenticator(account.name)
        return NpsProvider(
            account.base_url,
            Http(CALL_SECONDS, authenticate, watch=self._watch(account.name)),
            calls_per_minute=account.calls_per_minute,
            replays_key=account.replays_idempotency_key,
            clock=self._clock,
        )

    def _netquest(self, account: Account) -> Provider:
        def credentials(fresh: bool) -> Credentials | None:  # noqa: FBT001 -- as _authenticator's
            found = self._credentials(account.name, fresh=fresh)
            return found if found and found.webhook_key else None

        http = ConcurrentHttp(CALL_SECONDS, watch=self._watch(account.name))
        return NetquestProvider(account, http, credentials, self._clock)

    def _watch(self, name: str) -> Callable[[], AbstractContextManager[None]]:
        return partial(timed, self._notes, name)

    def _authenticator(self, name: str) -> Callable[[bool], Mapping[str, str]]:
        def authenticate(fresh: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
            credentials = self._credentials(name, fresh=fresh)
            if credentials is None or credentials.webhook_key:
                raise NeverSentError("no usable credentials")
            return sign_in(credentials)

        return authenticate

    def _credentials(self, name: str, *, fresh: bool) -> Credentials | None:
        # Nothing is raised from in here: what went wrong while a secret was read stays out of every chain.
        try:
            return self._parameters.credentials(name, fresh=fresh)
        except (AccountError, ParametersError):
            return None


def sign_in(credentials: Credentials) -> dict[str, str]:
    """Return the header that signs in.

    https://developer.zendesk.com/api-reference/introduction/security-and-auth/
    """
    if credentials.bearer:
        return {"Authorization": f"Bearer {credentials.bearer.get_secret_value()}"}
    if credentials.api_token:
        pair = f"{credentials.email}/token:{credentials.api_token.get_secret_value()}"
    else:
        password = credentials.password.get_secret_value() if credentials.password else ""
        pair = f"{credentials.email}:{password}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
