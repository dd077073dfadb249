"""An account's colour, and what can be read on it."""

import re

DEFAULT = "#77a500"
# Black, not nearly so: else no ink at all would do on some colours.
_DARK, _LIGHT = "#000000", "#ffffff"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def usable(colour: str) -> str:
    """Return a colour as `#rrggbb`, or the default for what is none: it becomes part of a stylesheet."""
    return colour.lower() if _COLOUR.fullmatch(colour) else DEFAULT


def ink_on(colour: str) -> str:
    """Return the colour, dark or light, in which text on a `#rrggbb` is read best."""
    return max(_DARK, _LIGHT, key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - as above.
