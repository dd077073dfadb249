"""Whatever colour a survey has, what stands on it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invitation_service.colours import DEFAULT, contrast, ink_on, usable

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colours)
def test_text_on_any_colour_is_read_with_ease(colour: str) -> None:
    """4.5 is what WCAG's level AA asks for."""
    assert contrast(ink_on(colour), colour) >= 4.5


def test_contrast_is_as_the_guideline_counts_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_light_ink_goes_on_dark_colours_and_dark_on_light() -> None:
    assert ink_on("#0b3d91") == "#ffffff"
    assert ink_on("#ffe600") != "#ffffff"


@given(st.text())
def test_what_is_no_colour_never_becomes_part_of_a_stylesheet(text: str) -> None:
    assert usable(text + ";") == DEFAULT


@pytest.mark.parametrize(
    ("colour", "used"),
    [("#ABCDEF", "#abcdef"), ("#abc", DEFAULT), ("", DEFAULT), ("#abcdef\n", DEFAULT)],
)
def test_a_colour_is_six_digits(colour: str, used: str) -> None:
    assert usable(colour) == used
