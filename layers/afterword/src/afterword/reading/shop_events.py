"""What happened in a shop: six kinds of events, each as a model.

A shop may add fields; unknown ones are ignored. docs/events.md is the page for the shop's engineer.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from math import floor
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from afterword.reading.faults import faults, line
from afterword.reading.fields import Email, Identifier, Instant, Kind, Shop, language_tag, zone_name
from afterword.reading.poison import PoisonError

_LONGEST_NAME = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1F\x7F-\x9F\s]+")


def _plain_name(text: str | None) -> str | None:
    # A line break in a name could become a line of a mail's header.
    plain = _UNPRINTABLE.sub(" ", text or "").strip()
    return plain[:_LONGEST_NAME].rstrip() or None


def _usable_language(text: str | None) -> str | None:
    return None if text is None else language_tag(text)


def _usable_zone(text: str | None) -> str | None:
    return None if text is None else zone_name(text)


# 32 digits: more than any price has, fewer than a DynamoDB number may have, and no 1E999999.
Amount = Annotated[Decimal, Field(ge=0, max_digits=32, description="Best as a string: 19.90")]
Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3}$"), AfterValidator(str.upper)]
Labels = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64)],
        Annotated[str, Field(max_length=256)],
    ],
    Field(max_length=50, description="The shop's own words, for the conditions of campaigns."),
]


class Customer(BaseModel):
    """Who bought or signed up.

    A name, language or zone that cannot be used is left out: it must not cost an invitation.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)

    email: Email
    name: Annotated[str | None, AfterValidator(_plain_name)] = None
    language: Annotated[
        str | None, AfterValidator(_usable_language), Field(description="BCP 47, as in en-GB.")
    ] = None
    zone: Annotated[
        str | None, AfterValidator(_usable_zone), Field(description="IANA, as in Europe/Prague.")
    ] = None
    token: Annotated[
        Identifier | None, Field(description="Who it is at a provider that knows people by tokens.")
    ] = None


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)

    version: Literal[1]
    id: Identifier
    shop: Shop
    occurred_at: Annotated[Instant, Field(description="ISO 8601 with a zone.")]

    @cached_property
    def occurred(self) -> int:
        """When it happened, in Unix seconds."""
        return floor(self.occurred_at.timestamp())


class Purchase(_Event):
    """Somebody bought something."""

    type: Literal["purchase"]
    order_id: Identifier
    customer: Customer
    amount: Amount | None = None
    currency: Currency | None = None
    labels: Labels = Field(default_factory=dict)

    @property
    def occasion(self) -> str:
        """What an invitation is about: the order."""
        return self.order_id


class Signup(_Event):
    """Somebody opened an account."""

    type: Literal["signup"]
    account_id: Identifier | None = None
    customer: Customer
    labels: Labels = Field(default_factory=dict)

    @property
    def occasion(self) -> str | None:
        """What an invitation is about: the account. None: take the customer key in its place."""
        return self.account_id


class Refund(_Event):
    """An order's money went back, whole or in part."""

    type: Literal["refund"]
    order_id: Identifier
    amount: Amount | None = None
    partial: StrictBool = False

    @property
    def stops(self) -> tuple[Kind, str]:
        """Kind and occasion of the invitations that this concerns."""
        return "purchase", self.order_id


class Cancellation(_Event):
    """An order or an account was cancelled: exactly one of the two ids is given."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["order_id"]}, {"required": ["account_id"]}]}
    )

    type: Literal["cancellation"]
    order_id: Identifier | None = None
    account_id: Identifier | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.order_id is None) == (self.account_id is None):
            raise PydanticCustomError("one_of", "give exactly one of order_id and account_id")
        return self

    @property
    def stops(self) -> tuple[Kind, str]:
        """Kind and occasion of the invitations that this concerns."""
        if self.order_id is not None:
            return "purchase", self.order_id
        return "signup", str(self.account_id)


class Unsubscribe(_Event):
    """Somebody does not want to be asked any more."""

    type: Literal["unsubscribe"]
    email: Email


class Erasure(_Event):
    """Somebody's personal data is to be removed."""

    type: Literal["erasure"]
    email: Email


ShopEvent = Purchase | Signup | Refund | Cancellation | Unsubscribe | Erasure
EVENT_MODELS: dict[str, type[ShopEvent]] = {
    "purchase": Purchase,
    "signup": Signup,
    "refund": Refund,
    "cancellation": Cancellation,
    "unsubscribe": Unsubscribe,
    "erasure": Erasure,
}
EVENT_TYPES = tuple(EVENT_MODELS)

_ANY_EVENT: TypeAdapter[ShopEvent] = TypeAdapter(Annotated[ShopEvent, Field(discriminator="type")])


def read_shop_event(payload: Mapping[str, object]) -> ShopEvent:
    """Make an event of what an envelope held.

    Args:
        payload: The event's fields.

    Raises:
        PoisonError: `no_known_event` for a type that nobody knows, `unknown_version` for a version
            that is not 1, `invalid_event` for the rest. The detail names every field at fault.
    """
    try:
        return _ANY_EVENT.validate_python(payload)
    except ValidationError as error:
        found = list(faults(error))
    if any(kind.startswith("union_tag") for _, kind, _ in found):
        raise PoisonError("no_known_event", f"type: it should be one of {', '.join(EVENT_TYPES)}")
    if any(path[1:] == ("version",) and kind == "literal_error" for path, kind, _ in found):
        raise PoisonError("unknown_version", "version: it should be 1")
    raise PoisonError(
        "invalid_event", "; ".join(line(_path(path), text) for path, _, text in found)
    )


def _path(path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    # The first part is the union's tag. What follows "labels" is the shop's own words.
    return ("labels",) if path[1:2] == ("labels",) else path[1:]
