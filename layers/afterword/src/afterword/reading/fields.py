"""The types of fields that shop events and campaigns share: bounded, and told apart from values."""

import re
from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

Kind = Literal["purchase", "signup"]

# Characters and bytes. Escaped for a key, each byte may become three; a sort key may have 1,024
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), and a shop
# and a campaign stand in it too.
LONGEST_ID = 256

# Loosely BCP 47 (https://www.rfc-editor.org/info/bcp47): the shape, not the registry.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_LONGEST_LANGUAGE = 35

# What email-validator returns as it is, whatever the domain: no capitals, which it lowers in some names.
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}$)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_LONGEST_ADDRESS = 254


def _instant(value: object) -> datetime:
    # pydantic alone would take 1700000000, and the bare year "2016", for seconds since 1970.
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        instant = None
    if isinstance(instant, datetime) and instant.tzinfo:
        return instant
    raise PydanticCustomError(
        "instant", "it should be a time by ISO 8601 with its zone, as in 2026-01-31T12:00:00Z"
    )


def address(text: str) -> str:
    """Return an e-mail address in its usual spelling.

    What pydantic's EmailStr does, but email-validator is imported by the first address that is looked at: it takes an
    eighth of a function's start, and a refund needs none of it.

    Raises:
        ValueError: It is none.
    """
    local, _, domain = text.rpartition("@")
    if len(text) <= _LONGEST_ADDRESS and _PLAIN_LOCAL.fullmatch(local):
        return f"{local}@{_domain(domain)}"
    return _usual_address(text)


# Nearly all that email-validator does is about the domain, and customers share few of them.
@lru_cache(maxsize=4096)
def _domain(text: str) -> str:
    return _usual_address(f"x@{text}").removeprefix("x@")


def _usual_address(text: str) -> str:
    from pydantic import validate_email  # noqa: PLC0415 -- on first use: see `address`

    return validate_email(text)[1]


def _email(value: object, check: ValidatorFunctionWrapHandler) -> object:
    try:
        return check(value)
    except ValueError:
        # email-validator's own text quotes parts of the address.
        raise PydanticCustomError("email", "value is not a valid email address") from None


def _short_as_key(text: str) -> str:
    if len(text.encode()) > LONGEST_ID:
        raise PydanticCustomError("too_long", f"it should have at most {LONGEST_ID} bytes in UTF-8")
    return text


def language_tag(text: str) -> str | None:
    """A language tag in its usual spelling (`EN_us` -> `en-US`), or None if it has no such shape.

    https://www.rfc-editor.org/rfc/rfc5646#section-2.1.1 gives the spelling. The underscore is
    what Java, PHP and POSIX write.
    """
    tag = text.strip().replace("_", "-")
    if len(tag) > _LONGEST_LANGUAGE or not _LANGUAGE.fullmatch(tag):
        return None
    first, *others = tag.lower().split("-")
    spelt = {2: str.upper, 4: str.title}
    return "-".join([first, *(spelt.get(len(part), str)(part) for part in others)])


def zone_name(text: str) -> str | None:
    """An IANA time zone's name, or None if there is no such zone."""
    name = text.strip()
    return name if name in _zone_names() else None


@cache
def _zone_names() -> frozenset[str]:
    from importlib.resources import files  # noqa: PLC0415 -- on first use: few customers have a zone

    # From the package, not from the machine: every machine knows the same zones, and a file system
    # that ignores case does not let "europe/prague" pass.
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


# No control characters: ids become keys and are shown on screens.
Identifier = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1F\x7F]+$"),
    AfterValidator(_short_as_key),
]
# It stands in the middle of the ledger's keys, whose parts "#" divides.
Shop = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Which shop: letters, digits, dot, dash and underscore.",
    ),
]
Email = Annotated[
    str,
    AfterValidator(address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
    Field(max_length=254),
    WrapValidator(_email),
]
Instant = Annotated[datetime, BeforeValidator(_instant, json_schema_input_type=datetime)]
