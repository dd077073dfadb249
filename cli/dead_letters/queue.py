"""The dead-letter queue of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterword.remembering.dead_letter_queue import DeadLetterQueue
from cli.errors import CommandError

if TYPE_CHECKING:
    from cli.places import Place

# Seconds that SQS may wait for a message, so that it asks all its servers.
WAIT = 1


def queue_of(place: Place) -> DeadLetterQueue:
    """Return a place's dead-letter queue.

    Raises:
        CommandError: Its stack names none.
    """
    try:
        url, target = (place.outputs[name] for name in ("DeadLetterQueueUrl", "ShopEventsQueueUrl"))
    except KeyError as error:
        raise CommandError(
            f"The stack has no output {error.args[0]}.", "Deploy this version's template."
        ) from None
    return DeadLetterQueue(place.client("sqs"), url, target, WAIT)
