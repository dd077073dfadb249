"""What mails and pages say, in the languages that the service speaks."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "cs", "de")
FALLBACK = "en"
# How many kinds of people the dialect's `relationship_id` knows.
RELATIONSHIPS = 5

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language.

    Attributes:
        language: Its tag, such as `cs`, for the attribute `lang` and the header `Content-Language`.
    """

    language: str
    _by_name: Mapping[str, str]

    def say(self, name: str, /, **values: str | int) -> str:
        """Return a text.

        Args:
            name: Section and key in the language's file, such as `mail.unsubscribe`.
            values: What its placeholders stand for. They are put in as they are, so a page escapes
                the whole.
        """
        return self._by_name[name].format_map(values)

    def question(self, rated: str, relationship: int) -> str:
        """Return the question that is answered from 0 to 10.

        Args:
            rated: Who is rated, such as the shop's name.
            relationship: The dialect's `relationship_id`; an unknown one counts as 0.
        """
        known = relationship if relationship in range(RELATIONSHIPS) else 0
        return self.say(f"question.{known}", rated=rated)


def pick_language(*wanted: str | None) -> str:
    """Return the language to speak.

    Args:
        wanted: Language tags (https://www.rfc-editor.org/rfc/rfc5646), the most wanted first, such
            as the recipient's and then the sender's. Of `cs-CZ` counts `cs`.

    Returns:
        The first that is spoken here, else English.
    """
    bases = [tag.partition("-")[0].lower() for tag in wanted if tag]
    return next((base for base in bases if base in LANGUAGES), FALLBACK)


def texts_in(*wanted: str | None) -> Texts:
    """Return the texts of the language that `pick_language` picks."""
    return _load(pick_language(*wanted))


@cache
def _load(language: str) -> Texts:
    sections = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return Texts(language, dict(_flat(sections)))


def _flat(sections: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for section, texts in sections.items():
        for key, text in texts.items():
            yield f"{section}.{key}", text
