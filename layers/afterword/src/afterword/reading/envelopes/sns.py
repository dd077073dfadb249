"""Notifications of SNS in a queue. With raw delivery there is no such envelope.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from collections.abc import Mapping

from afterword.reading.envelopes.envelope import Envelope, text
from afterword.reading.envelopes.json_objects import json_object
from afterword.reading.poison import PoisonError

_SHAPE = {"Type", "TopicArn", "Message"}


def sns(outside: Mapping[str, object]) -> Envelope | None:
    """Take the `Message`, which is JSON in a text; None if this is nothing of SNS's.

    The signature is not checked: who may write to the queue, its policy says.

    Raises:
        PoisonError: `no_notification` for what else SNS sends to subscribers, `invalid_event` for a
            message that is no text, `not_json` or `no_known_event` for what the text holds.
    """
    if not outside.keys() >= _SHAPE:
        return None
    if outside["Type"] != "Notification":
        raise PoisonError("no_notification", "Type: it should be Notification")
    message = outside["Message"]
    if not isinstance(message, str):
        raise PoisonError("invalid_event", "Message: it should be a text")
    return Envelope(
        "sns",
        json_object(message, "Message"),
        source=text(outside["TopicArn"]),
        id=text(outside.get("MessageId")),
        time=text(outside.get("Timestamp")),
    )
