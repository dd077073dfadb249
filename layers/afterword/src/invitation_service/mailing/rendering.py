"""Makes a mail's two bodies of its templates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from invitation_service.mailing.macros import Paragraph
from invitation_service.texts.catalogue import Texts

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail says.

    Attributes:
        texts: The words of the recipient's language.
        sender: Who mails.
        subject: Its subject.
        heading: The question above the scores; empty if there is none.
        body: What the sender says.
        scores: Addresses of the scores 0 to 10; none of them: there is one button.
        page: The address at which the recipient answers.
        unsubscribe: The address at which the recipient unsubscribes.
        footer: The sender's footer.
        colour: The survey's, as `#rrggbb`.
        ink: What can be read on it.
        edge: The colour of a button's edge.
    """

    texts: Texts
    sender: str
    subject: str = field(repr=False)
    heading: str = ""
    body: Sequence[Paragraph] = ()
    scores: Sequence[str] = field(default=(), repr=False)
    page: str = field(repr=False)
    unsubscribe: str = field(repr=False)
    footer: Sequence[Paragraph] = ()
    colour: str
    ink: str
    edge: str

    @property
    def has_survey_link(self) -> bool:
        """Whether the sender's words lead to the survey."""
        return any(
            piece.kind == "survey" for block in self.body for line in block for piece in line
        )


def as_text(content: Content) -> str:
    """Return the plain text."""
    return _environment().get_template("mail.txt").render(mail=content)


def as_html(content: Content) -> str:
    """Return the HTML; whatever is put into it is escaped."""
    return _environment().get_template("mail.html").render(mail=content)


@cache
def _environment() -> "Environment":
    # A tenth of a second and more, which most calls of the API can do without.
    from jinja2 import (  # noqa: PLC0415
        Environment,
        FileSystemLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        # In plain text nothing has a meaning.
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
