"""Accounts at providers, and what signs in to them."""

import ipaddress
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from afterword.deciding.account_errors import AccountError
from afterword.deciding.campaigns import Name
from afterword.deciding.texts import json_object, lines


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    # As given: urlsplit drops line breaks without a word.
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
    if not (has_host and is_plain):
        raise PydanticCustomError(
            "base_url", "it should be an address without user, query and fragment"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts)):
        raise PydanticCustomError("base_url", "it should begin with https://")
    return url.rstrip("/")


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _header_safe(secret: SecretStr) -> SecretStr:
    # A line break would end the header that the secret stands in.
    if not secret.get_secret_value().isprintable():
        raise PydanticCustomError("secret", "it should hold printable characters only")
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=4096), AfterValidator(_header_safe)]


class Account(BaseModel):
    """One account at a provider: where it is and how fast it may be called.

    `id_account`, `method` and `quota_period` are Netquest's, `replays_idempotency_key` is the NPS dialect's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: SkipJsonSchema[Name]
    provider: Literal["nps", "netquest"]
    base_url: Annotated[
        str,
        AfterValidator(_base_url),
        Field(
            max_length=512,
            description="What stands before /api/v2 or /webhooks, without a slash at the end.",
        ),
    ]
    calls_per_minute: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 200
    replays_idempotency_key: Annotated[
        StrictBool,
        Field(description="Whether a call repeated under its Idempotency-Key invites once."),
    ] = False
    id_account: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Netquest's id of the account."),
    ] = None
    method: Annotated[
        Literal["POST", "GET"], Field(description="Netquest takes both; queries land in more logs.")
    ] = "POST"
    quota_period: Annotated[
        Literal["day", "month"],
        Field(description="After which Netquest's quota of invitations begins anew, in UTC."),
    ] = "month"

    @model_validator(mode="after")
    def _named_there(self) -> Self:
        if self.provider == "netquest" and self.id_account is None:
            raise PydanticCustomError("id_account", "id_account: netquest needs it")
        if self.provider == "netquest" and self.replays_idempotency_key:
            raise PydanticCustomError(
                "replays", "replays_idempotency_key: netquest has no idempotency keys"
            )
        return self


_WAYS_SAID = (
    ("email", "api_token"),
    ("email", "password"),
    ("bearer",),
    ("webhook_key", "webhook_auth"),
)
_WAYS = [set(way) for way in _WAYS_SAID]


class Credentials(BaseModel):
    """What signs in: email and api_token, email and password, bearer, or webhook_key and webhook_auth."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Annotated[str | None, Field(min_length=3, max_length=254)] = None
    api_token: Secret | None = None
    password: Secret | None = None
    bearer: Secret | None = None
    webhook_key: Secret | None = None
    webhook_auth: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = {name for name, value in self if value is not None}
        if given not in _WAYS:
            raise PydanticCustomError(
                "one_of",
                f"give exactly one of {', '.join(' and '.join(way) for way in _WAYS_SAID)}",
            )
        return self


def parse_account(name: str, text: str, *, allow_http: bool) -> Account:
    """Read an account.

    Args:
        name: The last part of its parameter's name.
        text: The parameter's value: JSON, as docs/schemas/account.v1.json has it.
        allow_http: Whether a loopback address may be called without TLS, as on a laptop.

    Raises:
        AccountError: It names every field at fault.
    """
    fields = _fields(name, text)
    if "name" in fields:
        raise AccountError(name, ("name: leave it out, the parameter's name is the name",))
    try:
        account = Account.model_validate({**fields, "name": name})
    except ValidationError as error:
        raise AccountError(name, lines(error)) from None
    if not (allow_http or account.base_url.startswith("https:")):
        raise AccountError(name, ("base_url: it should begin with https://",))
    return account


def parse_credentials(name: str, text: str) -> Credentials:
    """Read the credentials of an account.

    Args:
        name: The account's name.
        text: The secret's value: JSON, one of the three forms.

    Raises:
        AccountError: It names every field at fault, but no field that does not exist: whoever
            mistakes the form may have put a secret in the place of a name.
    """
    fields = _fields(name, text)
    if not fields.keys() <= Credentials.model_fields.keys():
        known = ", ".join(Credentials.model_fields)
        raise AccountError(name, (f"credentials: a field that is none of {known}",))
    try:
        return Credentials.model_validate(fields)
    except ValidationError as error:
        raise AccountError(name, tuple(f"credentials: {text}" for text in lines(error))) from None


def _fields(name: str, text: str) -> dict[str, object]:
    try:
        return json_object(text)
    except ValueError as error:
        raise AccountError(name, (str(error),)) from None
