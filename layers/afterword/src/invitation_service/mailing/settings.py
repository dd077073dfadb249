"""How an account mails: its server, its name, its footer. One SSM SecureString for each account."""

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from invitation_service.surveys.models import Address, Language, Name, invalid

MAX_FOOTER_CHARACTERS = 5_000


class MailSettingsError(Exception):
    """An account's mail settings are wrong; the text names the fields and none of their values."""


def _ours(address: str) -> str:
    # Many servers take no other, and it is the same in each mail.
    if not address.rpartition("@")[0].isascii():
        raise invalid("must be ASCII before the @")
    return address


def _mailto(address: str) -> str:
    # It becomes part of an address of the web.
    if not set(address).isdisjoint("?,%&#"):
        raise invalid("is not a plain address")
    return address


OurAddress = Annotated[Address, AfterValidator(_ours)]
Footer = Annotated[str, Field(max_length=MAX_FOOTER_CHARACTERS)]


class Sender(BaseModel):
    """Whom an account's mails come from.

    Attributes:
        from_name: What recipients see as the sender.
        from_address: The address of From and of the envelope, so bounces go there.
        reply_to: Where answers go; None: to `from_address`.
        unsubscribe_mailto: An address that takes unsubscriptions by mail, beside the link.
        footer: Plain text below each mail: one for all, or one for each language, such as `cs`.
        default_language: What is spoken to recipients whose language is not known or not spoken.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    from_name: Name
    from_address: OurAddress
    reply_to: OurAddress | None = None
    unsubscribe_mailto: Annotated[OurAddress, AfterValidator(_mailto)] | None = None
    footer: Footer | dict[str, Footer] = ""
    default_language: Language = "en"


class MailSettings(Sender):
    """An account's mail server, and whom its mails come from.

    Attributes:
        host: The server's name. Its certificate must be made out to it.
        port: Its port: 587 is usual for `starttls`, 465 for `tls`.
        security: `starttls`, `tls` from the first byte, or `none`, which loopback alone may have.
        username: Whom to sign in as; with Amazon SES the SMTP user name, not the access key.
        mails_per_minute: No more than this are handed over in a minute.
    """

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65_535)]
    security: Literal["starttls", "tls", "none"]
    username: Annotated[SecretStr | None, Field(min_length=1)] = None
    password: Annotated[SecretStr | None, Field(min_length=1)] = None
    mails_per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.username is None) is not (self.password is None):
            raise ValueError("username and password go together")
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError("security none is for loopback alone")
        return self


def read_mail_settings(text: str) -> MailSettings:
    """Read an account's mail settings.

    Args:
        text: The parameter's value, JSON.

    Raises:
        MailSettingsError: They are wrong.
    """
    try:
        return MailSettings.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    # Names of unknown fields are not told: a secret may stand in the wrong place.
    known = MailSettings.model_fields.keys()
    told = [
        f"{fault['loc'][0] if fault['loc'] and fault['loc'][0] in known else 'settings'}: {fault['msg']}"
        for fault in faults
    ]
    raise MailSettingsError(f"Mail settings: {'; '.join(told)}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
