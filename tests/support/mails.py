"""Mails that have arrived."""

from __future__ import annotations

import mailbox
from email.message import EmailMessage
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def keep_mail(
    folder: Path, subject: str, *, at: float = 0, html: str | None = "<p>Hello</p>"
) -> None:
    """Put a mail into a Maildir as if it had arrived, `at` seconds after the epoch."""
    message = EmailMessage()
    message["To"] = "Jana Nováková <jana@example.com>"
    message["Subject"] = subject
    message.set_content("Hello")
    if html is not None:
        message.add_alternative(html, subtype="html")
    folder.parent.mkdir(parents=True, exist_ok=True)
    box = mailbox.Maildir(folder)
    kept = mailbox.MaildirMessage(message)
    kept.set_date(at)
    box.add(kept)
