"""A letter as tests want it, all of it made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from invitation_service.directory.records import Template
from invitation_service.mailing.compose import Letter, LetterLinks, compose
from invitation_service.mailing.settings import Sender
from invitation_service.people.records import SurveyRecipient
from invitation_service.surveys.models import Survey, SurveySettings

if TYPE_CHECKING:
    from email.message import EmailMessage

NOW = datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
URL = "https://api.example.com"
TOKEN = "WyJzaG9wIiwxLDdd." + "x" * 90
LINKS = LetterLinks(
    [f"{URL}/s/{TOKEN}?score={score}" for score in range(11)],
    f"{URL}/s/{TOKEN}",
    f"{URL}/u/{TOKEN}",
)
SENDER = Sender(
    from_name="Lime & Thyme",
    from_address="hello@shop.example.com",
    footer="Lime & Thyme Ltd\nhttps://shop.example.com/contact",
)


def make_template(text: str, subject: str = "How was it?") -> Template:
    return Template(id=1833, subject=subject, text=text, updated_at=NOW)


def make_letter(
    *,
    settings: SurveySettings | None = None,
    recipient: dict[str, Any] | None = None,
    **fields: Any,
) -> Letter:
    survey = Survey(
        id=1,
        name="Lime & Thyme",
        created_at=NOW,
        updated_at=NOW,
        settings=settings or SurveySettings(),
    )
    person = {
        "id": 7,
        "survey_id": 1,
        "email": "jane@example.com",
        "name": "Jane Doe",
        "user_id": 9,
        "created_at": NOW,
        "updated_at": NOW,
        **(recipient or {}),
    }
    return Letter(
        account="shop", survey=survey, recipient=SurveyRecipient(**person), date=NOW, **fields
    )


def make_mail(
    *, sender: Sender = SENDER, links: LetterLinks = LINKS, **fields: Any
) -> EmailMessage:
    return compose(make_letter(**fields), sender, links)


def body(mail: EmailMessage, kind: str) -> str:
    """Return a mail's text (`plain`) or HTML (`html`)."""
    part = mail.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content
