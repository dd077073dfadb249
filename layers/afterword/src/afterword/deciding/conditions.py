"""Which events a campaign wants, by their fields."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from afterword.reading.fields import Kind
from afterword.reading.shop_events import Purchase, Signup

_EVERY_KIND = ("shop", "customer.language", "customer.zone", "labels.<name>")
FIELDS: dict[Kind, tuple[str, ...]] = {
    "purchase": ("amount", "currency", *_EVERY_KIND),
    "signup": _EVERY_KIND,
}
_LABEL = "labels."
_OPERATORS = ("equals", "in_", "not_in", "at_least", "at_most", "exists")

Text = Annotated[str, Field(max_length=256)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]


class Condition(BaseModel):
    """One field, one comparison. A campaign wants an event for which all of its conditions hold.

    A field that the event does not carry fails every comparison but `not_in` and `exists: false`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    field: Annotated[
        str, Field(max_length=80, description="amount, customer.language, labels.channel and so on")
    ]
    equals: Text | None = None
    in_: Annotated[Texts | None, Field(alias="in")] = None
    not_in: Texts | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    exists: StrictBool | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = [name for name in _OPERATORS if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_of", "give exactly one of equals, in, not_in, at_least, at_most, exists"
            )
        compares_numbers = given[0] in {"at_least", "at_most"}
        if compares_numbers and self.field != "amount" and not self.field.startswith(_LABEL):
            raise PydanticCustomError(
                "no_number", "at_least and at_most compare numbers: amount or labels.<name>"
            )
        if self.field == "amount" and any(_number(text) is None for text in self._texts()):
            raise PydanticCustomError("no_number", "an amount is compared with numbers only")
        return self

    def is_known_to(self, kind: Kind) -> bool:
        """Whether events of this kind have the field at all."""
        is_label = self.field.startswith(_LABEL) and self.field != _LABEL
        return is_label or self.field in FIELDS[kind]

    def holds(self, event: Purchase | Signup) -> bool:
        """Whether the event is as the condition wants it. Texts are compared letter by letter."""
        value = _value(event, self.field)
        if self.exists is not None:
            return (value is not None) is self.exists
        if self.not_in is not None:
            return value is None or not _is_one_of(value, self.not_in)
        if value is None:
            return False
        if self.at_least is not None or self.at_most is not None:
            return self._within(_number(value))
        return _is_one_of(value, self._texts())

    def _texts(self) -> tuple[str, ...]:
        return self.in_ or self.not_in or (() if self.equals is None else (self.equals,))

    def _within(self, number: Decimal | None) -> bool:
        if number is None:
            return False
        if self.at_least is not None:
            return number >= self.at_least
        return self.at_most is not None and number <= self.at_most


def _value(event: Purchase | Signup, field: str) -> str | Decimal | None:
    if field.startswith(_LABEL):
        return event.labels.get(field.removeprefix(_LABEL))
    holder: object = event
    for name in field.split("."):
        holder = getattr(holder, name, None)
    return holder if isinstance(holder, str | Decimal) else None


def _is_one_of(value: str | Decimal, texts: tuple[str, ...]) -> bool:
    # 20, 20.0 and 20.00 are the same amount.
    if isinstance(value, Decimal):
        return value in {_number(text) for text in texts}
    return value in texts


def _number(value: str | Decimal) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
