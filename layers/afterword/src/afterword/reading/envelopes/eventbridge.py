"""Events as EventBridge delivers them, replayed ones (`replay-name`) included.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

from collections.abc import Mapping

from afterword.reading.envelopes.envelope import Envelope, text
from afterword.reading.poison import PoisonError


def eventbridge(outside: Mapping[str, object]) -> Envelope | None:
    """Take the `detail`; None if this is no event of EventBridge's.

    Raises:
        PoisonError: `invalid_event` for a detail that is no object.
    """
    if "detail" not in outside or "detail-type" not in outside:
        return None
    detail = outside["detail"]
    if not isinstance(detail, dict):
        raise PoisonError("invalid_event", "detail: it should be an object")
    return Envelope(
        "eventbridge",
        detail,
        source=text(outside.get("source")),
        detail_type=text(outside["detail-type"]),
        id=text(outside.get("id")),
        time=text(outside.get("time")),
    )
