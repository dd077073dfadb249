"""Mappings as JSON texts: whole ones, ready ones, and changes to ready ones."""

from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from afterword.deciding.mappings import Mapping
from afterword.deciding.texts import json_object, lines

_READY = files("afterword.deciding").joinpath("ready")


class MappingError(Exception):
    """A mapping that cannot be used.

    Attributes:
        mapping: Its name.
        faults: Every field at fault and what to change there, without the values.
    """

    def __init__(self, mapping: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"mapping {mapping}: {'; '.join(faults)}")
        self.mapping = mapping
        self.faults = faults


def parse_mapping(name: str, text: str) -> Mapping:
    """Read a mapping.

    Args:
        name: The last part of its parameter's name.
        text: The parameter's value: JSON, a whole mapping or changes to a ready one.

    Raises:
        MappingError: It names every field at fault.
    """
    try:
        fields = json_object(text)
        if "ready" in fields:
            fields = _patched(ready(fields.pop("ready")), fields)
    except ValueError as error:
        raise MappingError(name, (str(error),)) from None
    if "name" in fields:
        raise MappingError(name, ("name: leave it out, the parameter has one",))
    try:
        return Mapping.model_validate({**fields, "name": name})
    except ValidationError as error:
        raise MappingError(name, lines(error)) from None


def ready_names() -> list[str]:
    """Name the ready mappings."""
    return sorted(each.name.removesuffix(".json") for each in _READY.iterdir())


def ready(name: object) -> dict[str, object]:
    """Return a ready mapping, which lacks the shop.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in ready_names():
        raise ValueError(f"ready: there is {', '.join(ready_names())}")
    return json_object(_READY.joinpath(f"{name}.json").read_text(encoding="utf-8"))


def _patched(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Merge as JSON Merge Patch does, https://www.rfc-editor.org/rfc/rfc7396: null removes."""
    merged = dict(target)
    for name, value in patch.items():
        if isinstance(value, dict):
            known = merged.get(name)
            merged[name] = _patched(known if isinstance(known, dict) else {}, value)
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged
