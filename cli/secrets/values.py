"""A secret's value: typed in hidden, or read from stdin; never an argument, which a shell's history keeps."""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING

import typer

from afterword.deciding.account_errors import AccountError
from afterword.deciding.accounts import parse_credentials
from cli.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import PutParameterRequestTypeDef

    from cli.places import Place

CUSTOMER_KEY = "customer-key"
ACCOUNTS = "accounts/"
_WAYS = {
    "token": ("email", "api_token"),
    "password": ("email", "password"),
    "bearer": ("bearer",),
    "webhook": ("webhook_key", "webhook_auth"),
}


def check_name(name: str) -> None:
    """Refuse what no function reads. Raises CommandError."""
    if name == CUSTOMER_KEY or (name.startswith(ACCOUNTS) and name.removeprefix(ACCOUNTS)):
        return
    raise CommandError(
        f"Nothing reads a secret {name}.", f"There are {CUSTOMER_KEY} and {ACCOUNTS}NAME."
    )


def ask(name: str) -> str:
    """Return the credentials of an account: from stdin as JSON, or asked for field by field.

    Raises:
        CommandError: They are none; the text names fields, never what they hold.
    """
    account = name.removeprefix(ACCOUNTS)
    text = _typed() if sys.stdin.isatty() else sys.stdin.read()
    try:
        parse_credentials(account, text)
    except AccountError as error:
        raise CommandError(f"{'; '.join(error.faults)}.", "Nothing was put.") from None
    return text.strip()


def check_fits(place: Place, name: str, text: str) -> None:
    """Refuse credentials of another provider's kind: nothing would go out until somebody noticed.

    Raises:
        CommandError: The account is there, and its provider signs in otherwise.
    """
    account = name.removeprefix(ACCOUNTS)
    try:
        provider = place.parameters().account(account).provider
    except AccountError:
        return  # It may be put afterwards.
    has_webhook = parse_credentials(account, text).webhook_key is not None
    if has_webhook != (provider == "netquest"):
        raise CommandError(
            f"An account at {provider} does not sign in like this.", "Nothing was put."
        )


def _typed() -> str:
    way = typer.prompt(f"Signs in by ({', '.join(_WAYS)})", default="token", err=True)
    if way not in _WAYS:
        raise CommandError(f"There is no way {way}.", f"There are {', '.join(_WAYS)}.")
    return json.dumps(
        {field: typer.prompt(field, hide_input=field != "email", err=True) for field in _WAYS[way]}
    )


def new_customer_key() -> str:
    """Return a new key of the customer keys: nobody needs to see it, so nobody types it."""
    return secrets.token_urlsafe(48)


class Store:
    """A stage's secrets in Parameter Store.

    Args:
        place: The installation.
    """

    def __init__(self, place: Place) -> None:
        self._client: SSMClient = place.client("ssm")
        self._path = f"{place.prefix}/secrets"

    def key_of(self, name: str) -> str | None:
        """Return the KMS key that a secret is encrypted with; None: there is no such secret.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
        """
        found = self._client.describe_parameters(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [self.path(name)]}]
        )["Parameters"]
        return found[0].get("KeyId", "alias/aws/ssm") if found else None

    def put(self, name: str, value: str, key: str | None, *, over: bool) -> int:
        """Write a secret; return its version.

        Args:
            name: What follows `secrets/`.
            value: The secret.
            key: A KMS key; None: the account's own for Parameter Store.
            over: Whether there is one already. Without its key, the new version would be under another.
        """
        request: PutParameterRequestTypeDef = {
            "Name": self.path(name),
            "Value": value,
            "Type": "SecureString",
            "Overwrite": over,
        }
        if key:
            request["KeyId"] = key
        return self._client.put_parameter(**request)["Version"]

    def path(self, name: str) -> str:
        """Return a secret's name in Parameter Store."""
        return f"{self._path}/{name}"
