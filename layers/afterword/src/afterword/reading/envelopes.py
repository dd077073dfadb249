"""How a shop event arrived: the envelope is recognised by its shape and taken off.

Another envelope (SNS, CloudEvents) is one more function in `READERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic_core import from_json

from afterword.reading.poison import PoisonError


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was inside, and what the outside said.

    Attributes:
        name: Which envelope it was: `eventbridge` or `raw`.
        payload: The shop event, not yet checked.
        source: EventBridge's `source`, such as `shop.demo`.
        detail_type: EventBridge's `detail-type`. The rules of a bus may look at it; what the event
            is, its own `type` says.
    """

    name: str
    payload: Mapping[str, object]
    source: str | None = None
    detail_type: str | None = None


def open_envelope(body: str) -> Envelope:
    """Take the shop event out of a queue's message.

    Args:
        body: The message's body: JSON, either an event as EventBridge delivers it
            (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html) or the
            shop event itself.

    Raises:
        PoisonError: `not_json` for what is no JSON by RFC 8259 (NaN, lone surrogates and nesting
            beyond 200 levels included), `no_known_event` for JSON that is no object,
            `invalid_event` for an envelope whose inside is no object.
    """
    outside = _parse(body)
    # The last reader takes every object.
    return next(envelope for read in READERS if (envelope := read(outside)) is not None)


def _parse(body: str) -> Mapping[str, object]:
    try:
        # Stricter than the standard library's parser, and it bounds nesting by itself.
        parsed = from_json(body.encode(), allow_inf_nan=False)
    except ValueError as error:
        # Its text holds what was expected, the line and the column; of the input, at most a lone
        # surrogate.
        raise PoisonError("not_json", str(error)) from None
    if not isinstance(parsed, dict):
        raise PoisonError("no_known_event", "the body is JSON, but no object")
    return parsed


def _eventbridge(outside: Mapping[str, object]) -> Envelope | None:
    if "detail" not in outside or "detail-type" not in outside:
        return None
    detail = outside["detail"]
    if not isinstance(detail, dict):
        raise PoisonError("invalid_event", "detail: it should be an object")
    source, detail_type = outside.get("source"), outside["detail-type"]
    return Envelope("eventbridge", detail, _text(source), _text(detail_type))


def _raw(outside: Mapping[str, object]) -> Envelope:
    return Envelope("raw", outside)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


READERS: tuple[Callable[[Mapping[str, object]], Envelope | None], ...] = (_eventbridge, _raw)
