"""A campaign: which event leads to which survey, when, and under which rules."""

import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from afterword.deciding.conditions import FIELDS, Condition
from afterword.deciding.customer_key import normalise_email
from afterword.deciding.texts import json_object, lines
from afterword.reading.fields import Instant, Kind, Shop, address, language_tag

# The ledger forgets an item after its LIFETIME, and no rule may come to need it later than that:
#
#     OLDEST_EVENT   90   how old an event may be when it arrives; a stop mark waits for it
#   + MAX_DELAY     180   from the event to the due time
#   + MAX_EXPIRY     90   from the due time to the end, however often due was moved: by the
#                         contact cap, by a retry, by an outage
#   =               360   < LIFETIME, 400
#
# The 40 days between are for what is held for a person, and for the clock skew of 5 minutes.
LIFETIME = timedelta(days=400)
OLDEST_EVENT = timedelta(days=90)
MAX_DELAY = timedelta(days=180)
MAX_EXPIRY = timedelta(days=90)
# Within LIFETIME, so that the invitation that a cap looks back to is still on record.
MAX_CAP = timedelta(days=365)

_DURATION = re.compile(
    r"P(?=[\dT])(?:\d{1,5}W)?(?:\d{1,5}D)?(?:T(?=\d)(?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,8}S)?)?"
)


def _iso_duration(value: object) -> object:
    # Months and years are left out: they have no fixed length.
    if isinstance(value, timedelta) or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise PydanticCustomError(
        "duration",
        "it should be a duration by ISO 8601 in weeks, days, hours, minutes and seconds, "
        "as in P30D or PT2H",
    )


def _at_most(longest: timedelta) -> AfterValidator:
    def check(duration: timedelta | None) -> timedelta | None:
        if duration is not None and duration > longest:
            raise PydanticCustomError(
                "duration", "it should be at most {days} days", {"days": longest.days}
            )
        return duration

    return AfterValidator(check)


def _above_zero(duration: timedelta | None) -> timedelta | None:
    if duration is not None and not duration:
        raise PydanticCustomError("duration", "it should be more than nothing")
    return duration


def _language(text: str) -> str:
    if (tag := language_tag(text)) is None:
        raise PydanticCustomError("language", "it should be a language tag by BCP 47, as in en-GB")
    return tag


def _allowed(entry: str) -> str:
    # "@example.com" is checked, and spelt, as an address at that domain would be.
    is_domain = entry.startswith("@")
    try:
        spelt = normalise_email(address("x" + entry if is_domain else entry))
    except ValueError:
        raise PydanticCustomError(
            "allowed", "it should be an address, or a domain as in @example.com"
        ) from None
    return spelt.removeprefix("x") if is_domain else spelt


Duration = Annotated[timedelta, BeforeValidator(_iso_duration, json_schema_input_type=timedelta)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class Mode(StrEnum):
    """How far a campaign goes: nobody, the people on its list, everybody."""

    DRY_RUN = "dry_run"
    ALLOW_LIST = "allow_list"
    LIVE = "live"


class ContactCap(BaseModel):
    """At most one invitation per customer in this period, and what becomes of the next one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    period: Annotated[Duration, AfterValidator(_above_zero), _at_most(MAX_CAP)]
    when_capped: Literal["defer", "drop"] = "defer"


class Campaign(BaseModel):
    """Which event leads to which survey, when, and under which rules."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: SkipJsonSchema[Name]
    mode: Mode = Mode.DRY_RUN
    shop: Shop
    event: Kind
    conditions: Annotated[tuple[Condition, ...], Field(max_length=20)] = ()
    account: Annotated[Name, Field(description="The provider account that sends.")]
    survey: Annotated[int, Field(strict=True, ge=1, description="The survey's id there.")]
    delay: Annotated[
        Duration,
        _at_most(MAX_DELAY),
        Field(description="From the event; at most 180 days."),
    ] = timedelta(0)
    expires_after: Annotated[
        Duration | None,
        AfterValidator(_above_zero),
        _at_most(MAX_EXPIRY),
        Field(description="From the due time; at most 90 days."),
    ] = None
    language: Annotated[
        str,
        AfterValidator(_language),
        Field(description="BCP 47, for customers who have none of their own."),
    ] = "en-US"
    contact_cap: ContactCap | None = None
    keep_address: Annotated[
        Literal["always", "while_waiting"],
        Field(
            description="NPS: whether the ledger keeps the address of a customer who was asked at once, so that the "
            "invitation can be sent again if it fails at the provider."
        ),
    ] = "while_waiting"
    starts_at: Annotated[
        Instant | None, Field(description="Events from before are not its own.")
    ] = None
    on_partial_refund: Literal["keep", "cancel"] = "keep"
    template: Annotated[
        int | None, Field(strict=True, ge=1, description="Netquest: the mail's template there.")
    ] = None
    footer: Annotated[
        StrictBool, Field(description="Netquest: whether the mail ends with the sender's footer.")
    ] = True
    unknown_respondent: Annotated[
        Literal["skip", "by_email"],
        Field(description="Netquest: whether to ask a customer whose token nobody knows."),
    ] = "skip"
    delay_held_by: Annotated[
        Literal["us", "provider"],
        Field(description="Netquest: who waits. What the provider holds can't be stopped."),
    ] = "us"
    when_uncertain: Annotated[
        Literal["hold", "resend"],
        Field(description="Netquest: what becomes of a call whose answer was lost."),
    ] = "hold"
    allow_list: Annotated[
        tuple[Annotated[str, AfterValidator(_allowed)], ...],
        Field(max_length=100, description="Addresses, or domains as in @example.com."),
    ] = ()

    @field_validator("conditions")
    @classmethod
    def _known_fields(
        cls, conditions: tuple[Condition, ...], info: ValidationInfo
    ) -> tuple[Condition, ...]:
        kind: Kind | None = info.data.get("event")  # None: it has a fault of its own.
        for condition in conditions:
            if kind and not condition.is_known_to(kind):
                raise PydanticCustomError(
                    "no_such_field",
                    "a {kind} has no field {field}; it has {known}",
                    {"kind": kind, "field": condition.field, "known": ", ".join(FIELDS[kind])},
                )
        return conditions

    @model_validator(mode="after")
    def _listed(self) -> Self:
        if self.mode is Mode.ALLOW_LIST and not self.allow_list:
            raise PydanticCustomError("allow_list", "allow_list: mode allow_list needs an entry")
        return self

    def allows(self, email: str) -> bool:
        """Whether the allow list names this address or its domain."""
        address = normalise_email(email)
        return address in self.allow_list or address[address.rfind("@") :] in self.allow_list


def capped_shops(campaigns: Iterable[Campaign]) -> frozenset[str]:
    """Return the shops where somebody wants to know when a customer was last asked."""
    return frozenset(each.shop for each in campaigns if each.contact_cap)


class CampaignError(Exception):
    """A campaign that cannot be used.

    Attributes:
        campaign: Its id.
        faults: Every field at fault and what to change there, without the values.
    """

    def __init__(self, campaign: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"campaign {campaign}: {'; '.join(faults)}")
        self.campaign = campaign
        self.faults = faults


def parse_campaign(id: str, text: str) -> Campaign:  # noqa: A002 - The operator's word for it.
    """Read a campaign.

    Args:
        id: The last part of its parameter's name.
        text: The parameter's value: JSON, as docs/schemas/campaign.v1.json has it.

    Raises:
        CampaignError: It names every field at fault.
    """
    try:
        fields = json_object(text)
    except ValueError as error:
        raise CampaignError(id, (str(error),)) from None
    if "id" in fields:
        raise CampaignError(id, ("id: leave it out, the parameter's name is the id",))
    try:
        return Campaign.model_validate({**fields, "id": id})
    except ValidationError as error:
        raise CampaignError(id, lines(error)) from None
