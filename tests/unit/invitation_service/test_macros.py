"""Macros stand for what is known of a respondent; what nobody knows stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invitation_service.mailing.macros import Macros, Piece, paragraphs, plain_pieces

MACROS = Macros({"l1": "Jane", "l2": "[LINK]", "l3": "https://evil.example.com"}, "81a2B7")


def words(text: str) -> Piece:
    return Piece("words", text)


def pieces(line: str, macros: Macros = MACROS) -> list[Piece]:
    return list(macros.pieces(line))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hi [L1]", "Hi Jane"),
        ("Hi [l1]", "Hi Jane"),
        ("[L15]", ""),
        ("[Id_Respondent]", "81a2B7"),
        ("[LINK]", "[LINK]"),
        (
            "[L0] [L16] [L01] [L1 ] [ANS_ID_12345.2] [NAME] []",
            "[L0] [L16] [L01] [L1 ] [ANS_ID_12345.2] [NAME] []",
        ),
        ("[[L1]]", "[Jane]"),
        ("[L2]", "[LINK]"),
    ],
)
def test_a_line_s_macros_are_filled_once(text: str, filled: str) -> None:
    assert MACROS.fill(text) == filled


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("See [link]!", [words("See "), Piece("survey"), words("!")]),
        ("[L2][L3]", [words("[LINK]"), words("https://evil.example.com")]),
        (
            "at https://a.example/x.",
            [words("at "), Piece("address", "https://a.example/x"), words(".")],
        ),
        ("(HTTP://a.example)", [words("("), Piece("address", "HTTP://a.example"), words(")")]),
        ("https://a.example/[L1]?[L9]=[L16]", [Piece("address", "https://a.example/Jane?=[L16]")]),
        ("https://a.example/[LINK]", [Piece("address", "https://a.example/[LINK]")]),
        ("javascript:alert(1) ftp://x", [words("javascript:alert(1) ftp://x")]),
        ("https://", [words("https://")]),
        ("", []),
    ],
)
def test_a_line_is_taken_apart(line: str, found: list[Piece]) -> None:
    assert pieces(line) == found


def test_a_label_in_an_address_can_t_leave_its_place() -> None:
    (piece,) = pieces("https://a.example/[L1]", Macros({"l1": '../?a="&b=č#'}, ""))
    assert piece.text == "https://a.example/..%2F%3Fa%3D%22%26b%3D%C4%8D%23"


@given(st.text(), st.text())
def test_a_label_is_never_anything_but_words(label: str, around: str) -> None:
    around = around.replace("[", "").replace("http", "")
    found = pieces(f"{around} [L1]", Macros({"l1": label}, ""))
    assert {piece.kind for piece in found} <= {"words"}
    assert "".join(piece.text for piece in found) == f"{around} {label}"


@given(st.text())
def test_texts_without_macros_are_left_as_they_are(text: str) -> None:
    assert "".join(piece.text for piece in plain_pieces(text)) == text


def test_blank_lines_part_paragraphs() -> None:
    found = paragraphs("\n\none\ntwo\n \n\n\nthree\n", plain_pieces)
    assert found == [[[words("one")], [words("two")]], [[words("three")]]]


def test_nothing_has_no_paragraphs() -> None:
    assert paragraphs(" \n ", plain_pieces) == []
