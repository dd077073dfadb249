"""Who calls: Basic with password, Basic with API token, Bearer, or a webhook's key.

https://developer.zendesk.com/api-reference/introduction/security-and-auth/
"""

import base64
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from pydantic import BaseModel, ValidationError

from invitation_service.access.accounts import CREDENTIALS, Credential, WebhookAccount
from invitation_service.web.errors import ForbiddenError, UnauthenticatedError, UnavailableError

CACHED_SECONDS = 300
# Between two look-ups past the cache: bad passwords must not become SSM calls.
QUIET_SECONDS = 10

Way = Literal["password", "api_token", "bearer"]


@dataclass(frozen=True, slots=True)
class Presented:
    """What an Authorization header says; `email` is empty for Bearer."""

    way: Way
    email: str = field(repr=False)
    secret: str = field(repr=False)

    def fits(self, credential: Credential) -> bool:
        """Compare in constant time."""
        known: str | None = getattr(credential, self.way)
        if known is None:
            return False
        same_secret = hmac.compare_digest(
            known.encode(), self.secret.encode(errors="surrogatepass")
        )
        if self.way == "bearer":
            return same_secret
        known_email, email = credential.email.casefold(), self.email.casefold()
        return hmac.compare_digest(known_email.encode(), email.encode()) & same_secret


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """What a webhook's path says."""

    id_account: str
    webhook_key: str = field(repr=False)
    webhook_auth: str = field(repr=False)

    def fits(self, known: WebhookAccount) -> bool:
        """Compare in constant time."""
        pairs = (
            (known.id_account, self.id_account),
            (known.webhook_key, self.webhook_key),
            (known.webhook_auth, self.webhook_auth),
        )
        # A list, so that no part ends the comparison early.
        same = [
            hmac.compare_digest(ours.encode(), theirs.encode(errors="surrogatepass"))
            for ours, theirs in pairs
        ]
        return all(same)


def read_authorization(header: str | None) -> Presented | None:
    """Read an Authorization header; None if it is none of the three kinds."""
    scheme, _, rest = (header or "").strip().partition(" ")
    match scheme.casefold():
        case "bearer":
            return Presented("bearer", "", rest.strip())
        case "basic":
            return _read_basic(rest.strip())
    return None


def _read_basic(encoded: str) -> Presented | None:
    try:
        user, _, secret = _text(base64.b64decode(encoded, validate=True)).partition(":")
    except ValueError:
        # What is no ASCII is not binascii's error.
        return None
    # The user name of a token really ends in "/token".
    email, slash, _ = user.rpartition("/token") if user.endswith("/token") else (user, "", "")
    return Presented("api_token" if slash else "password", email, secret)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # As requests sends names and passwords, and zdesk with it.
        return raw.decode("latin-1")


class Fetch(Protocol):
    """Gets the text of the credentials parameter."""

    def __call__(self, *, fresh: bool) -> str:
        """Return the parameter's value; `fresh` goes past the cache.

        Raises:
            GetParameterError: SSM did not give it.
        """
        ...


def fetch_from_ssm(provider: Callable[[], SSMProvider], name: str) -> Fetch:
    """Return a `Fetch` of an SSM SecureString, cached for five minutes.

    Args:
        provider: Makes the provider, at the first call.
        name: The parameter's full name.
    """

    def fetch(*, fresh: bool) -> str:
        value = provider().get(name, max_age=CACHED_SECONDS, decrypt=True, force_fetch=fresh)
        return str(value)

    return fetch


class Credentials:
    """Knows who may call, and notices a rotation without being asked.

    Args:
        fetch: Gets the parameter.
        clock: Seconds, of any origin, that never go back.
        logger: Told, by type alone, when the parameter cannot be used.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float], logger: Logger) -> None:
        self._fetch = fetch
        self._clock = clock
        self._logger = logger
        self._known: Sequence[Credential | WebhookAccount] | None = None
        self._quiet_until = float("-inf")
        self._failed = False

    def admin_account(self, authorization: str | None) -> str:
        """Return the account of an admin; see `admin`."""
        return self.admin(authorization).account

    def admin(self, authorization: str | None) -> Credential:
        """Return the entry of an admin.

        Args:
            authorization: The request's Authorization header.

        Raises:
            UnauthenticatedError: No credential, or an unknown one.
            ForbiddenError: The credential's role is not admin.
            UnavailableError: Who may call could not be read, now or earlier.
        """
        presented = read_authorization(authorization)
        if presented is None:
            raise UnauthenticatedError
        credential = self._find(Credential, presented.fits)
        if credential.role != "admin":
            raise ForbiddenError
        return credential

    def webhook_account(self, presented: PresentedKey) -> WebhookAccount:
        """Return the account that a webhook's path opens.

        Raises:
            UnauthenticatedError: There is none; which part was wrong, nobody is told.
            UnavailableError: Who may call could not be read, now or earlier.
        """
        return self._find(WebhookAccount, presented.fits)

    def _find[Entry: BaseModel](self, kind: type[Entry], fits: Callable[[Entry], bool]) -> Entry:
        for fresh in (False, True):
            if self._may_fetch(fresh=fresh):
                # After a failure the cache may hold the very text that could not be read.
                self._load(fresh=fresh or self._failed)
            # No early end: how long it takes must not tell which entry was right.
            entries = [each for each in self._known or () if isinstance(each, kind)]
            fitting = [each for each in entries if fits(each)]
            if fitting:
                return fitting[0]
        if self._known is None:
            raise UnavailableError
        raise UnauthenticatedError

    def _may_fetch(self, *, fresh: bool) -> bool:
        if not (fresh or self._failed):
            return True
        now = self._clock()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + QUIET_SECONDS
        return True

    def _load(self, *, fresh: bool) -> None:
        try:
            self._known = CREDENTIALS.validate_json(self._fetch(fresh=fresh))
            self._failed = False
        except (GetParameterError, ValidationError) as error:
            # The last good list stays in use: a slip in the parameter must not lock everyone out.
            self._failed = True
            name = type(error).__name__
            self._logger.error("credentials unusable", error_type=name)  # noqa: TRY400 - no text.
