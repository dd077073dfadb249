"""What a survey's mail looks like, before anybody gets it."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from invitation_service.mailing.compose import Letter, LetterLinks, compose
from invitation_service.mailing.settings import Sender
from invitation_service.people.records import HIGHEST_RATING, LOWEST_RATING, SurveyRecipient
from invitation_service.surveys.models import Survey

# Nobody's: https://www.rfc-editor.org/rfc/rfc2606#section-3
_NOBODY = "preview@example.com"
# A link that leads nowhere: a preview is no way to answer.
_NOWHERE = "#"


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail without sender and recipient.

    Attributes:
        locale: The language that it speaks.
        subject: Its subject.
        text: Its plain text.
        html: Its HTML.
    """

    locale: str
    subject: str
    text: str
    html: str


def preview(survey: Survey, locale: str | None, now: datetime) -> Preview:
    """Make the mail that a recipient would get, without the sender's footer.

    Args:
        survey: The survey.
        locale: The recipient's language; what is not spoken falls back.
        now: The recipient's time of creation.
    """
    recipient = SurveyRecipient(
        id=0,
        survey_id=survey.id,
        email=_NOBODY,
        name="Jane",
        locale=locale,
        user_id=0,
        created_at=now,
        updated_at=now,
    )
    letter = Letter(account="preview", survey=survey, recipient=recipient, footer=False, date=now)
    sender = Sender(from_name=survey.rated, from_address=_NOBODY)
    nowhere = LetterLinks(
        [_NOWHERE for _ in range(LOWEST_RATING, HIGHEST_RATING + 1)], *[_NOWHERE] * 2
    )
    message = compose(letter, sender, nowhere)
    return Preview(
        locale=str(message["Content-Language"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
