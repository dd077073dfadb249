"""Mails and pages say the same in each language, and speak the one that the recipient reads."""

from __future__ import annotations

from string import Formatter

import pytest

from invitation_service.texts.catalogue import (
    LANGUAGES,
    RELATIONSHIPS,
    Texts,
    pick_language,
    texts_in,
)


def placeholders(texts: Texts) -> dict[str, set[str]]:
    """What each text wants to be told, by its name."""
    return {
        name: {field for _, field, _, _ in Formatter().parse(text) if field is not None}
        for name, text in texts._by_name.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_placeholders(language: str) -> None:
    assert placeholders(texts_in(language)) == placeholders(texts_in("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_has_a_space_too_much(language: str) -> None:
    texts = texts_in(language)._by_name
    assert texts
    assert [
        name for name, text in texts.items() if text != " ".join(text.split()) or not text
    ] == []


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_no_text_was_left_in_english(language: str) -> None:
    english, ours = texts_in("en")._by_name, texts_in(language)._by_name
    assert [name for name in english if english[name] == ours[name]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_relationship_has_a_question_of_its_own(language: str) -> None:
    asked = [texts_in(language).question("Lípa", each) for each in range(RELATIONSHIPS)]
    assert len(set(asked)) == RELATIONSHIPS
    assert all("Lípa" in question for question in asked)


@pytest.mark.parametrize("relationship", [-1, 5, 99])
def test_an_unknown_relationship_is_a_friend_or_colleague(relationship: int) -> None:
    texts = texts_in("en")
    assert texts.question("Lime", relationship) == texts.question("Lime", 0)


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        (("cs",), "cs"),
        (("cs-CZ",), "cs"),
        (("DE-at",), "de"),
        (("sk", "cs"), "cs"),
        (("fr", None), "en"),
        ((None, "de"), "de"),
        (("", "de"), "de"),
        ((), "en"),
        # A tag may begin like one of ours.
        (("den", "cs"), "cs"),
    ],
)
def test_the_first_wanted_language_that_is_spoken_is_picked(
    wanted: tuple[str | None, ...], spoken: str
) -> None:
    assert pick_language(*wanted) == spoken
    assert texts_in(*wanted).language == spoken


def test_braces_in_a_name_are_a_name() -> None:
    assert "{rated} {0.__class__}" in texts_in("en").question("{rated} {0.__class__}", 0)
