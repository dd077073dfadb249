"""Makes the mail that asks somebody: text and HTML, in their language. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

from invitation_service.directory.records import Template
from invitation_service.mailing.settings import Sender
from invitation_service.people.records import SurveyRecipient
from invitation_service.surveys.models import Survey


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
    """
    raise NotImplementedError
