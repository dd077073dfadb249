"""How an event arrived: envelopes are recognised by their shape and taken off.

A new envelope is one module with one function, and its place in `READERS`.
"""

from collections.abc import Callable, Mapping

from afterword.reading.envelopes.cloudevents import cloudevents
from afterword.reading.envelopes.envelope import RAW, Envelope
from afterword.reading.envelopes.eventbridge import eventbridge
from afterword.reading.envelopes.json_objects import json_object
from afterword.reading.envelopes.sns import sns
from afterword.reading.poison import PoisonError

__all__ = ["RAW", "Envelope", "open_envelope"]

READERS: tuple[Callable[[Mapping[str, object]], Envelope | None], ...] = (
    eventbridge,
    cloudevents,
    sns,
)
# A bus behind a topic behind a bus, with a CloudEvent in it. Nobody was seen to need more.
MOST_ENVELOPES = 4


def open_envelope(body: str) -> Envelope:
    """Take an event out of a queue's message, and out of envelopes that lie in one another.

    Args:
        body: The message's body: JSON, in any of the envelopes or in none.

    Raises:
        PoisonError: `not_json`, `no_known_event` for JSON that is no object, `too_many_envelopes`,
            and whatever the readers say of an envelope that is not as it should be.
    """
    opened = Envelope("raw", json_object(body), source=RAW)
    for _ in range(MOST_ENVELOPES + 1):
        inner = next((found for read in READERS if (found := read(opened.payload))), None)
        if inner is None:
            return opened
        opened = inner
    raise PoisonError(
        "too_many_envelopes", f"more than {MOST_ENVELOPES} envelopes, one in the other"
    )
