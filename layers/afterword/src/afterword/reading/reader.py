"""From a queue's message to a shop event."""

from afterword.reading.envelopes import open_envelope
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import ShopEvent, read_shop_event

# Clocks differ a little; a shop whose clock is further ahead must hear of it.
LARGEST_SKEW = 300


def read(body: str, now: int) -> ShopEvent:
    """Open the envelope, read the event, refuse what has not happened yet.

    Args:
        body: The body of one SQS message.
        now: Unix seconds.

    Raises:
        PoisonError: See `open_envelope` and `read_shop_event`; `in_the_future` for an event that
            lies more than 300 seconds after `now`.
    """
    event = read_shop_event(open_envelope(body).payload)
    if event.occurred > now + LARGEST_SKEW:
        raise PoisonError("in_the_future", f"occurred_at: over {LARGEST_SKEW} seconds from now")
    return event
