"""Makes the mail that asks somebody: text and HTML, in their language. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

from invitation_service.colours import contrast, ink_on, usable
from invitation_service.directory.records import Template
from invitation_service.mailing.headers import (
    lines,
    mailbox,
    message_id,
    new_message,
    one_line,
    unsubscribe_header,
)
from invitation_service.mailing.macros import Macros, paragraphs, plain_pieces
from invitation_service.mailing.rendering import Content, as_html, as_text
from invitation_service.mailing.settings import Sender
from invitation_service.people.records import SurveyRecipient
from invitation_service.surveys.models import Survey
from invitation_service.texts.catalogue import Texts, pick_language, texts_in

# Behind the buttons: as in templates/mail.html, on light and on dark screens.
_BACKGROUNDS = ("#ffffff", "#1c2128")
_SEEN_ON_BOTH = "#7b8794"
_BARELY_SEEN = 1.5
# No part has this in it: quoted-printable writes an equals sign as `=3D`. The library would draw lots.
_BOUNDARY = "=_afterword"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail is about.

    Attributes:
        account: Whose survey it is.
        survey: The survey.
        recipient: Whom it goes to.
        template: Its text; None: the survey's settings make it.
        labels: What the template's macros `[L1]` to `[L15]` stand for, by `l1` to `l15`.
        respondent: What `[ID_RESPONDENT]` stands for: the respondent's token.
        footer: Whether the sender's footer is added. The way to unsubscribe always is.
        date: When it is mailed.
    """

    account: str
    survey: Survey
    recipient: SurveyRecipient
    template: Template | None = None
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    respondent: str = field(default="", repr=False)
    footer: bool = True
    date: datetime


@dataclass(frozen=True, slots=True)
class LetterLinks:
    """Where a mail leads; each address is a secret of its recipient's.

    Attributes:
        scores: The page with a score preselected, 0 to 10.
        page: The page.
        unsubscribe: Where the recipient unsubscribes, by page and by one click.
    """

    scores: Sequence[str] = field(repr=False)
    page: str = field(repr=False)
    unsubscribe: str = field(repr=False)


def compose(letter: Letter, sender: Sender, links: LetterLinks) -> EmailMessage:
    """Make a mail.

    Args:
        letter: What it is about.
        sender: Whom it comes from; an account's MailSettings is one.
        links: Where it leads.

    Returns:
        The mail. Its Message-ID is the same for a recipient, however often it is made.

    Raises:
        UnmailableAddressError: The recipient's address is none.
    """
    texts = texts_in(letter.recipient.locale, sender.default_language)
    content = _content(letter, sender, links, texts)
    message = new_message(mailbox(letter.recipient.name, letter.recipient.email))
    by = mailbox(sender.from_name, sender.from_address)
    message["From"] = by
    if sender.reply_to:
        message["Reply-To"] = mailbox("", sender.reply_to)
    message["Subject"] = content.subject
    message["Date"] = letter.date
    message["Message-ID"] = message_id(
        letter.account, letter.survey.id, letter.recipient.id, by.domain
    )
    message["List-Unsubscribe"] = unsubscribe_header(links.unsubscribe, sender.unsubscribe_mailto)
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Holiday replies and the like stay away: https://www.rfc-editor.org/rfc/rfc3834#section-5
    message["Auto-Submitted"] = "auto-generated"
    # Any server takes this encoding, and no line is too long.
    message.set_content(as_text(content), cte="quoted-printable")
    message.add_alternative(as_html(content), subtype="html", cte="quoted-printable")
    message.set_boundary(_BOUNDARY)
    # Last, since what makes a content takes headers about an earlier one away.
    message["Content-Language"] = texts.language
    return message


def _content(letter: Letter, sender: Sender, links: LetterLinks, texts: Texts) -> Content:
    settings = letter.survey.settings
    colour = usable(settings.highlight_color)
    rated = one_line(letter.survey.rated) or one_line(sender.from_name)
    question = texts.question(rated, settings.relationship_id)
    if template := letter.template:
        labels = {name: one_line(value) for name, value in letter.labels.items()}
        macros = Macros(labels, letter.respondent)
        subject = one_line(macros.fill(template.subject))
        body = paragraphs(lines(template.text), macros.pieces)
    else:
        subject = one_line(settings.email_subject)
        body = paragraphs(lines(settings.intro_text), plain_pieces)
    footer = lines(_footer(sender, texts)) if letter.footer else ""
    return Content(
        texts=texts,
        sender=one_line(sender.from_name),
        subject=subject or one_line(question),
        heading="" if letter.template else question,
        body=body,
        scores=() if letter.template else links.scores,
        page=links.page,
        unsubscribe=links.unsubscribe,
        footer=paragraphs(footer, plain_pieces),
        colour=colour,
        ink=ink_on(colour),
        edge=_edge(colour),
    )


def _footer(sender: Sender, texts: Texts) -> str:
    if isinstance(sender.footer, str):
        return sender.footer
    spoken = {pick_language(tag): text for tag, text in sender.footer.items()}
    wanted = (texts.language, pick_language(sender.default_language))
    return next((spoken[language] for language in wanted if language in spoken), "")


def _edge(colour: str) -> str:
    """Return what shows where a button ends, be the page behind it light or dark."""
    lost = min(contrast(colour, background) for background in _BACKGROUNDS) < _BARELY_SEEN
    return _SEEN_ON_BOTH if lost else colour
