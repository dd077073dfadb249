"""From a queue's message to a shop event."""

from collections.abc import Callable
from dataclasses import dataclass

from afterword.reading.envelopes import Envelope, open_envelope
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import ShopEvent, read_shop_event

# Clocks differ a little; a shop whose clock is further ahead must hear of it.
LARGEST_SKEW = 300

# Makes a shop event of what is none yet. None: it is to be one already.
type Mapper = Callable[[Envelope], ShopEvent | None]


def unmapped(envelope: Envelope) -> None:
    """Map nothing: every payload is to be a shop event already."""
    del envelope


@dataclass(frozen=True, slots=True)
class Received:
    """A shop event, and the envelope in which it came."""

    event: ShopEvent
    envelope: Envelope


def receive(body: str, now: int, mapper: Mapper = unmapped) -> Received:
    """Open the envelope, read the event, refuse what has not happened yet.

    Args:
        body: The body of one SQS message.
        now: Unix seconds.
        mapper: Knows the events of others.

    Raises:
        PoisonError: See `open_envelope` and `read_shop_event`; `in_the_future` for an event that
            lies more than 300 seconds after `now`.
        SkippedError: The mapper says that this is not to become a shop event.
    """
    envelope = open_envelope(body)
    event = mapper(envelope) or read_shop_event(envelope.payload)
    if event.occurred > now + LARGEST_SKEW:
        raise PoisonError("in_the_future", f"occurred_at: over {LARGEST_SKEW} seconds from now")
    return Received(event, envelope)


def read(body: str, now: int, mapper: Mapper = unmapped) -> ShopEvent:
    """Return the event of a message alone: see `receive`."""
    return receive(body, now, mapper).event
