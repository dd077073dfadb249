"""What has arrived in the local mail server's Maildir, for a person to read."""

from __future__ import annotations

import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that arrived.

    Attributes:
        number: Its place, counted from the first that arrived.
        at: When it arrived, in UTC.
        message: The mail.
    """

    number: int
    at: datetime
    message: EmailMessage


def newest(folders: Path) -> Path | None:
    """Return the Maildir in which something happened last.

    Args:
        folders: Where the Maildirs are.
    """
    found = [each for each in folders.glob("*/new") if each.is_dir()]
    return max(found, key=lambda each: each.stat().st_mtime).parent if found else None


def arrived(folder: Path) -> list[Arrived]:
    """Return a Maildir's mails in the order in which they arrived."""
    box = mailbox.Maildir(folder, create=False)
    files = [(box.get_message(key).get_date(), key) for key in box.iterkeys()]
    return [
        Arrived(number, datetime.fromtimestamp(at, UTC), _read(box.get_bytes(key)))
        for number, (at, key) in enumerate(sorted(files), start=1)
    ]


def table(mails: Sequence[Arrived]) -> Table:
    """Return what a person sees of the mails; the newest of many."""
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column("", justify="right")
    for title in ("Arrived", "To", "Subject"):
        shown.add_column(title, overflow="fold")
    for mail in mails[-MOST_SHOWN:]:
        fields = (str(mail.message[name] or "") for name in ("To", "Subject"))
        shown.add_row(str(mail.number), f"{mail.at:%H:%M:%S}", *map(_plain, fields))
    return shown


def write_page(mails: Iterable[Arrived], number: int, folder: Path) -> Path:
    """Write a mail's HTML to a file that a browser opens.

    Args:
        mails: What has arrived.
        number: Which of them.
        folder: Where the file goes.

    Returns:
        The file.

    Raises:
        LocalError: There is no such mail.
    """
    found = next((mail.message for mail in mails if mail.number == number), None)
    if found is None:
        raise LocalError(f"There is no mail {number}.", "'make mail' lists what has arrived.")
    part = found.get_body(("html", "plain"))
    page = folder / f"{number}.html"
    page.write_text(part.get_content() if part else "", encoding="utf-8")
    return page


def _read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, _class=EmailMessage, policy=default)


def _plain(text: str) -> str:
    # rich reads [brackets] as its own.
    return text.replace("[", r"\[")
