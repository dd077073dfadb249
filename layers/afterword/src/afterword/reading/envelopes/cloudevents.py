"""CloudEvents 1.0 in structured mode, as JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from base64 import b64decode
from collections.abc import Mapping

from afterword.reading.envelopes.envelope import Envelope, text
from afterword.reading.envelopes.json_objects import json_object
from afterword.reading.poison import PoisonError

_MANDATORY = ("id", "source", "type")


def cloudevents(outside: Mapping[str, object]) -> Envelope | None:
    """Take the data; None if this is no CloudEvent. Extension attributes are passed over.

    Raises:
        PoisonError: `unknown_version` for another `specversion`, `invalid_event` for attributes or
            data that are not as the specification has them, `not_json` for encoded data that is no
            JSON.
    """
    if "specversion" not in outside or "source" not in outside:
        return None
    if outside["specversion"] != "1.0":
        raise PoisonError("unknown_version", "specversion: it should be 1.0")
    if missing := [name for name in _MANDATORY if not text(outside.get(name))]:
        raise PoisonError("invalid_event", f"{', '.join(missing)}: it should be a text")
    return Envelope(
        "cloudevents",
        _data(outside),
        source=text(outside["source"]),
        detail_type=text(outside["type"]),
        id=text(outside["id"]),
        time=text(outside.get("time")),
    )


def _data(outside: Mapping[str, object]) -> Mapping[str, object]:
    if ("data" in outside) == ("data_base64" in outside):
        raise PoisonError("invalid_event", "give exactly one of data and data_base64")
    if "data_base64" in outside:
        return json_object(_decoded(outside["data_base64"]), "data_base64")
    data = outside["data"]
    if not isinstance(data, dict):
        raise PoisonError("invalid_event", "data: it should be an object")
    return data


def _decoded(encoded: object) -> bytes:
    try:
        return b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except ValueError:
        raise PoisonError("invalid_event", "data_base64: it should be base64") from None
