"""Takes texts apart: macros, addresses of the web, and the words in between.

That there are macros is Netquest's; how labels are spelt is ours.
https://help.startquestion.com/en/articles/5877798
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from invitation_service.directory.records import LABELS

_MACRO = re.compile(r"\[(link|id_respondent|l[0-9]{1,2})\]", re.IGNORECASE)
# Macros may be part of an address, so brackets are; what ends a sentence is not.
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)']", re.IGNORECASE)
_EITHER = re.compile(f"(?P<address>{_ADDRESS.pattern})|{_MACRO.pattern}", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: words, an address, or the macro `[LINK]`, where the recipient answers."""

    kind: Literal["words", "address", "survey"]
    text: str = field(default="", repr=False)


type Line = list[Piece]
type Paragraph = list[Line]


class Macros:
    """What a template's macros stand for, for one recipient.

    A label is never read as a macro or an address: what customers call themselves must not become
    a link in the shop's name.

    Args:
        labels: The respondent's labels, by `l1` to `l15`; one that is missing stands for nothing.
        respondent: The respondent's id: the token.
    """

    def __init__(self, labels: Mapping[str, str], respondent: str) -> None:
        self._values = {**dict.fromkeys(LABELS, ""), **labels, "id_respondent": respondent}

    def fill(self, line: str) -> str:
        """Fill a text that has no links, such as a subject; `[LINK]` stays as it is."""
        return _MACRO.sub(lambda macro: self._value(macro) or "", line)

    def pieces(self, line: str) -> Iterator[Piece]:
        """Take a line of a template apart, macros filled."""
        return _cut(_EITHER, line, self._piece)

    def _piece(self, match: re.Match[str]) -> Piece:
        if address := match["address"]:
            return Piece("address", _MACRO.sub(self._quoted, address))
        if match[0].lower() == "[link]":
            return Piece("survey")
        return Piece("words", self._value(match))

    def _quoted(self, macro: re.Match[str]) -> str:
        known = self._name(macro) in self._values
        return quote(self._value(macro), safe="") if known else macro[0]

    def _value(self, macro: re.Match[str]) -> str:
        # One that nobody knows, such as [L16], stays as it is.
        return self._values.get(self._name(macro), macro[0])

    @staticmethod
    def _name(macro: re.Match[str]) -> str:
        return macro[0][1:-1].lower()


def plain_pieces(line: str) -> Iterator[Piece]:
    """Take a line apart in which there are no macros."""
    return _cut(_ADDRESS, line, lambda match: Piece("address", match[0]))


def paragraphs(text: str, take_apart: Callable[[str], Iterator[Piece]]) -> list[Paragraph]:
    """Return a text's paragraphs, which blank lines part.

    Args:
        text: The text, as `headers.lines` returns it.
        take_apart: Returns the pieces of a line.
    """
    blocks = _BLANK_LINES.split(text.strip())
    return [[list(take_apart(line)) for line in block.split("\n")] for block in blocks if block]


def _cut(
    pattern: re.Pattern[str], line: str, piece: Callable[[re.Match[str]], Piece]
) -> Iterator[Piece]:
    end = 0
    for match in pattern.finditer(line):
        if words := line[end : match.start()]:
            yield Piece("words", words)
        end = match.end()
        yield piece(match)
    if rest := line[end:]:
        yield Piece("words", rest)
