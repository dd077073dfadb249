"""What the pages' forms say."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from invitation_service.people.records import MAX_COMMENT_CHARACTERS

type Problem = Literal["score", "comment"]

_FORM = "application/x-www-form-urlencoded"
# The pages have five. More than this is nobody's form, and would only cost time.
_MAX_FIELDS = 50
_SCORE = re.compile(r"[0-9]|10")
_LINE_ENDS = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """A form that was sent.

    Attributes:
        score: From 0 to 10; None if none was chosen.
        comment: Cleaned; None if there is none.
        problem: The field because of which it can't be recorded.
    """

    score: int | None
    comment: str | None = field(repr=False)
    problem: Problem | None = None


def read_fields(body: bytes, content_type: str) -> Mapping[str, str]:
    """Return a form's fields; of one that comes twice, the last counts.

    Returns:
        Nothing for what is no form: whatever was sent, somebody may be waiting for a page.
    """
    if not content_type.strip().casefold().startswith(_FORM):
        return {}
    try:
        text = body.decode(errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def read_answer(fields: Mapping[str, str]) -> AnswerForm:
    """Read the form of the page that asks."""
    score, comment = read_score(fields.get("score")), clean(fields.get("comment", ""))
    if len(comment) > MAX_COMMENT_CHARACTERS:
        return AnswerForm(score, comment[: 2 * MAX_COMMENT_CHARACTERS], "comment")
    return AnswerForm(score, comment or None, "score" if score is None else None)


def read_score(text: str | None) -> int | None:
    """Return a score from 0 to 10, or None for anything else."""
    return int(text) if text and _SCORE.fullmatch(text) else None


def clean(text: str) -> str:
    r"""Return a comment without control characters but `\n` and tabs, and without space around it."""
    unified = _LINE_ENDS.sub("\n", text)
    kept = (each for each in unified if each in "\n\t" or unicodedata.category(each) != "Cc")
    return "".join(kept).strip()
