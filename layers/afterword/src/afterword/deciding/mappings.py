"""A mapping: how the event of somebody else becomes a shop event, or a reason why it does not.

docs/mappings.md is the page for who writes one.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    model_validator,
)
from pydantic_core import PydanticCustomError

from afterword.deciding.campaigns import Name
from afterword.deciding.expressions import Expression, ExpressionError, holds
from afterword.reading.envelopes import RAW, Envelope
from afterword.reading.fields import Shop
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import (
    EVENT_MODELS,
    EVENT_TYPES,
    Customer,
    ShopEvent,
    read_shop_event,
)
from afterword.reading.skips import SkippedError

NOT_MAPPED = "not_mapped"


def _expression(text: object) -> object:
    if not isinstance(text, str):
        raise PydanticCustomError("expression", "it should be a text with a JMESPath expression")
    try:
        return Expression(text)
    except ExpressionError as error:
        raise PydanticCustomError("expression", "{fault}", {"fault": str(error)}) from None


def _not_reserved(reason: str) -> str:
    if reason == NOT_MAPPED:
        raise PydanticCustomError("reserved", "this reason is taken")
    return reason


Query = Annotated[InstanceOf[Expression], BeforeValidator(_expression)]
Pattern = Annotated[str, Field(max_length=256, pattern=r"^[^*]+\*?$")]
SkipReason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_not_reserved)]


class Mapping(BaseModel):
    """Which events it is for, what they are, and where each field is found."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name
    source: Pattern
    detail_type: Pattern | None = None
    when: Query | None = None
    event: Literal["purchase", "signup", "refund", "cancellation", "unsubscribe", "erasure"]
    shop: Shop
    skip: Annotated[dict[SkipReason, Query], Field(max_length=20)] = Field(default_factory=dict)
    fields: Annotated[dict[str, Query], Field(max_length=50)]

    @model_validator(mode="after")
    def _fields_of_the_event(self) -> Self:
        required, known = _fields(self.event)
        for name in self.fields:
            is_label = (
                name.startswith("labels.") and "labels" in EVENT_MODELS[self.event].model_fields
            )
            if name not in known and not is_label:
                raise PydanticCustomError(
                    "no_such_field",
                    "fields: a {event} has no field {field}",
                    {"event": self.event, "field": name},
                )
        if missing := [name for name in required if name not in self.fields]:
            raise PydanticCustomError(
                "missing_field",
                "fields: a {event} needs {fields}",
                {"event": self.event, "fields": ", ".join(missing)},
            )
        return self

    @model_validator(mode="after")
    def _told_from_shop_events(self) -> Self:
        if self.source == RAW and self.when is None:
            raise PydanticCustomError(
                "raw", "when: what comes raw needs it, to be told from shop events"
            )
        return self

    def mismatch(self, envelope: Envelope) -> str | None:
        """Name the first of source, detail_type and when that an event does not fit; None if it fits.

        Raises:
            PoisonError: `invalid_event` if `when` can't be answered.
        """
        if not _fits(self.source, envelope.source):
            return "source"
        if self.detail_type is not None and not _fits(self.detail_type, envelope.detail_type):
            return "detail_type"
        if self.when is not None and not holds(self._ask("when", self.when, _about(envelope))):
            return "when"
        return None

    def read(self, envelope: Envelope) -> ShopEvent:
        """Make a shop event of an event that fits.

        Raises:
            SkippedError: The first reason of `skip` that holds.
            PoisonError: What comes out is no shop event; the detail names mapping and fields.
        """
        about = _about(envelope)
        for reason, expression in self.skip.items():
            if holds(self._ask(f"skip.{reason}", expression, about)):
                raise SkippedError(reason)
        payload: dict[str, Any] = {"type": self.event, "version": 1, "shop": self.shop}
        for name, expression in self.fields.items():
            _put(payload, name, self._ask(name, expression, about))
        try:
            return read_shop_event(payload)
        except PoisonError as error:
            raise self._poison(error.detail) from None

    def _ask(self, where: str, expression: Expression, about: object) -> object:
        try:
            answer: object = expression(about)
        except ExpressionError as error:
            raise self._poison(f"{where}: {error}") from None
        return answer

    def _poison(self, detail: str) -> PoisonError:
        return PoisonError("invalid_event", f"mapping {self.name}: {detail}")


class Mappings:
    """All mappings that load, in the order in which they are tried.

    Args:
        mappings: The first that fits an event is the one for it.
    """

    def __init__(self, mappings: Sequence[Mapping]) -> None:
        self._mappings = mappings

    def read(self, envelope: Envelope) -> ShopEvent | None:
        """Make a shop event of a mapped one; None for what is to be a shop event already.

        Raises:
            SkippedError: See `Mapping.read`; `not_mapped` for an event that is no shop event, and
                whose source has mappings, none of them for it.
            PoisonError: See `Mapping`.
        """
        misfits = []
        for mapping in self._mappings:
            misfit = mapping.mismatch(envelope)
            if misfit is None:
                return mapping.read(envelope)
            misfits.append(misfit)
        # A partner sends much that nobody asked for. Raw messages are sent on purpose.
        is_known = envelope.source != RAW and any(each != "source" for each in misfits)
        if is_known and envelope.payload.get("type") not in EVENT_TYPES:
            raise SkippedError(NOT_MAPPED)
        return None


def _fields(event: str) -> tuple[list[str], set[str]]:
    """Which fields a mapping must and may give, as dotted names."""
    required: list[str] = []
    known: set[str] = set()
    for name, field in EVENT_MODELS[event].model_fields.items():
        if name == "customer":
            parts = {f"customer.{part}": each for part, each in Customer.model_fields.items()}
        else:
            parts = {name: field}
        known |= parts.keys()
        required += [part for part, each in parts.items() if each.is_required()]
    given = {"type", "version", "shop", "labels"}
    return [name for name in required if name not in given], known - given


def _fits(pattern: str, text: str | None) -> bool:
    if text is None:
        return False
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _about(envelope: Envelope) -> dict[str, object]:
    outside = {
        "source": envelope.source,
        "type": envelope.detail_type,
        "id": envelope.id,
        "time": envelope.time,
    }
    return {"event": envelope.payload, "envelope": outside}


def _put(payload: dict[str, Any], name: str, value: object) -> None:
    # A label's own name may have dots.
    *holder, last = name.split(".", 1)
    fields = payload.setdefault(holder[0], {}) if holder else payload
    if value is not None:
        fields[last] = value
