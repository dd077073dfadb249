"""What every envelope comes down to."""

from collections.abc import Mapping
from dataclasses import dataclass

# A body without an envelope has no source of its own; mappings call it by this one.
RAW = "raw"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was inside, and what the outside said.

    Attributes:
        name: Which envelope it was: `eventbridge`, `cloudevents`, `sns` or `raw`. Where one lay in
            the other, the innermost.
        payload: What was inside, not yet checked: a shop event, or a partner's.
        source: Who sent it: `source` of EventBridge and CloudEvents, the topic of SNS, or `raw`.
        detail_type: What kind of event it is said to be: EventBridge's `detail-type`, CloudEvents'
            `type`. The rules of a bus and mappings look at it; what a shop event is, its own `type`
            says.
        id: The envelope's own id.
        time: When the envelope was closed, as it says.
    """

    name: str
    payload: Mapping[str, object]
    source: str | None = None
    detail_type: str | None = None
    id: str | None = None
    time: str | None = None


def text(value: object) -> str | None:
    """A text as it is; anything else counts as missing."""
    return value if isinstance(value, str) else None
