"""What operators keep in SSM Parameter Store: campaigns, mappings, accounts, secrets. Read at run time, and cached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from afterword.deciding.account_errors import AccountError
from afterword.deciding.accounts import (
    Account,
    Credentials,
    parse_account,
    parse_credentials,
)
from afterword.deciding.campaigns import Campaign, CampaignError, parse_campaign
from afterword.noting import Notes
from afterword.remembering.errors import ParametersError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ssm import SSMClient

    from afterword.deciding.mapping_texts import MappingError
    from afterword.deciding.mappings import Mapping

CAMPAIGNS_SECONDS = 60
SECRETS_SECONDS = 300
_SHORTEST_KEY = 32


type BrokenError = CampaignError | MappingError


@dataclass(frozen=True, slots=True)
class Loaded[Kind, Broken: BrokenError]:
    """What loads of one kind, in the order of the names, and what is wrong with the others."""

    loaded: tuple[Kind, ...]
    broken: tuple[Broken, ...] = ()


class Parameters:
    """Reads Parameter Store below one prefix.

    Args:
        client: A boto3 client.
        prefix: Such as `/afterword/prod`, without a slash at the end.
        allow_http: Whether an account on loopback may go without TLS, as on a laptop.
        notes: Where it is noted that a secret was fetched.
    """

    def __init__(
        self, client: SSMClient, prefix: str, *, allow_http: bool, notes: Notes | None = None
    ) -> None:
        self._client = client
        self._ssm = SSMProvider(boto3_client=client)
        self._prefix = prefix
        self._allow_http = allow_http
        self._notes = notes or Notes()
        self._campaigns = _Folder(
            client, self._ssm, f"{prefix}/campaigns", parse_campaign, CampaignError
        )

    def campaigns(self) -> Loaded[Campaign, CampaignError]:
        """Load all campaigns, at most a minute old. A broken one is replaced by its last good version.

        Raises:
            ParametersError: SSM did not answer.
        """
        return self._campaigns.load()

    def mappings(self) -> Loaded[Mapping, MappingError]:
        """Load all mappings, as `campaigns` does.

        Raises:
            ParametersError: SSM did not answer.
        """
        return self._mappings.load()

    @cached_property
    def _mappings(self) -> _Folder[Mapping, MappingError]:
        # The sweep never needs them, and starts the sooner.
        from afterword.deciding.mapping_texts import MappingError, parse_mapping  # noqa: PLC0415

        path = f"{self._prefix}/mappings"
        return _Folder(self._client, self._ssm, path, parse_mapping, MappingError)

    def account(self, name: str) -> Account:
        """Load an account.

        Raises:
            AccountError: It is missing or broken.
            ParametersError: SSM did not answer.
        """
        text = self._get(f"{self._prefix}/accounts/{name}", CAMPAIGNS_SECONDS)
        if text is None:
            raise AccountError(name, ("there is no such parameter",))
        return parse_account(name, text, allow_http=self._allow_http)

    def credentials(self, account: str, *, fresh: bool) -> Credentials:
        """Load what signs in to an account; `fresh` reads past the cache, for after a rotation.

        Raises:
            AccountError: They are missing or broken.
            ParametersError: SSM did not answer.
        """
        name = f"{self._prefix}/secrets/accounts/{account}"
        # powertools keeps values by name, transform, and whether it is a whole path.
        if not fresh and self._ssm.has_not_expired_in_cache((name, None, False)):
            return self._credentials(account, name, fresh=False)
        self._notes.measure("SecretFetches", account=account)
        try:
            return self._credentials(account, name, fresh=fresh)
        except (AccountError, ParametersError):
            self._notes.measure("SecretFetchesRefused", account=account)
            raise

    def _credentials(self, account: str, name: str, *, fresh: bool) -> Credentials:
        text = self._get(name, SECRETS_SECONDS, fresh=fresh)
        if text is None:
            raise AccountError(account, ("its credentials are missing",))
        return parse_credentials(account, text)

    def customer_secret(self) -> bytes:
        """Load the key of the customer keys. It is never rotated: with another one nobody would be known any more.

        Raises:
            ParametersError: It is missing or too short, or SSM did not answer.
        """
        name = f"{self._prefix}/secrets/customer-key"
        text = self._get(name, SECRETS_SECONDS)
        if text is None or len(text) < _SHORTEST_KEY:
            raise ParametersError(
                f"{name}: put a SecureString of at least {_SHORTEST_KEY} random characters there"
            )
        return text.encode()

    def _get(self, name: str, max_age: int, *, fresh: bool = False) -> str | None:
        try:
            return str(self._ssm.get(name, decrypt=True, max_age=max_age, force_fetch=fresh))
        except GetParameterError as error:
            # powertools wraps whatever happens, and keeps the cause as context only.
            if isinstance(error.__context__, self._client.exceptions.ParameterNotFound):
                return None
            raise _parameters_error(name, error.__context__ or error) from None


class _Folder[Kind, Broken: BrokenError]:
    """All parameters of one kind: texts that `parse` reads, or calls `error`."""

    def __init__(
        self,
        client: SSMClient,
        ssm: SSMProvider,
        path: str,
        parse: Callable[[str, str], Kind],
        error: type[Broken],
    ) -> None:
        self._client = client
        self._ssm = ssm
        self._path = path
        self._parse = parse
        self._error = error
        self._found: dict[str, str] | None = None
        self._loaded: Loaded[Kind, Broken] = Loaded(())

    def load(self) -> Loaded[Kind, Broken]:
        try:
            answer = self._ssm.get_multiple(self._path, max_age=CAMPAIGNS_SECONDS)
        except GetParameterError as error:
            raise _parameters_error(self._path, error.__context__ or error) from None
        found = cast("dict[str, str]", answer)
        # While the cache holds them they are the very same object. To parse them once spares the history, too, whose
        # few calls a second all instances share: one broken campaign must not bring the others down.
        if found is not self._found:
            self._loaded = self._parsed(found)
            self._found = found
        return self._loaded

    def _parsed(self, found: dict[str, str]) -> Loaded[Kind, Broken]:
        loaded: list[Kind] = []
        broken: list[Broken] = []
        for name, text in sorted(found.items()):
            try:
                loaded.append(self._parse(name, text))
            except self._error as error:
                broken.append(error)
                loaded += self._last_good(name)
        return Loaded(tuple(loaded), tuple(broken))

    def _last_good(self, name: str) -> list[Kind]:
        """Look for the newest version that can be read: SSM keeps a hundred, an instance's memory none."""
        path = f"{self._path}/{name}"
        try:
            pages = self._client.get_paginator("get_parameter_history").paginate(Name=path)
            versions = [version for page in pages for version in page["Parameters"]]
        except (ClientError, BotoCoreError) as error:
            raise _parameters_error(path, error) from None
        for version in sorted(versions, key=itemgetter("Version"), reverse=True):
            try:
                return [self._parse(name, version["Value"])]
            except self._error:
                continue
        return []


def _parameters_error(name: str, error: BaseException) -> ParametersError:
    """Name the fault by its code: a message may repeat what was sent."""
    code = type(error).__name__
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", code)
    return ParametersError(f"{name}: {code}")
