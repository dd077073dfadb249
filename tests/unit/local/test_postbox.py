"""A person can read what the local mail server took."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from local import postbox
from local.errors import LocalError
from tests.support.mails import keep_mail

if TYPE_CHECKING:
    from pathlib import Path


def shown(folder: Path) -> str:
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115 - a sink.
    with console.file:
        console.print(postbox.table(postbox.arrived(folder)))
        return console.export_text()


def test_mails_are_counted_as_they_arrived(tmp_path: Path) -> None:
    keep_mail(tmp_path / "box", "second", at=7200)
    keep_mail(tmp_path / "box", "first", at=3600)
    mails = postbox.arrived(tmp_path / "box")
    told = [(mail.number, f"{mail.at:%H:%M}", mail.message["Subject"]) for mail in mails]
    assert told == [(1, "01:00", "first"), (2, "02:00", "second")]


def test_the_table_shows_when_to_whom_and_about_what(tmp_path: Path) -> None:
    keep_mail(tmp_path / "box", "Příliš [bold]žluťoučký", at=3600)
    told = " ".join(shown(tmp_path / "box").split())
    assert "1 01:00:00 Jana Nováková <jana@example.com> Příliš [bold]žluťoučký" in told


def test_of_many_mails_the_newest_are_shown_under_their_numbers(tmp_path: Path) -> None:
    for number in range(1, postbox.MOST_SHOWN + 3):
        keep_mail(tmp_path / "box", f"mail {number}.", at=number)
    text = shown(tmp_path / "box")
    assert "mail 2." not in text
    assert "mail 3." in text
    assert f"mail {postbox.MOST_SHOWN + 2}." in text


@pytest.mark.parametrize(
    ("html", "written"), [("<p>Dobrý den</p>", "<p>Dobrý den</p>"), (None, "Hello")]
)
def test_a_mail_is_written_where_a_browser_can_open_it(
    tmp_path: Path, html: str | None, written: str
) -> None:
    keep_mail(tmp_path / "box", "one", html=html)
    page = postbox.write_page(postbox.arrived(tmp_path / "box"), 1, tmp_path)
    assert (page.name, page.read_text(encoding="utf-8").strip()) == ("1.html", written)


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_mail_that_is_not_there_is_said_to_be_missing(tmp_path: Path, number: int) -> None:
    keep_mail(tmp_path / "box", "one")
    with pytest.raises(LocalError, match=rf"^There is no mail {number}\."):
        postbox.write_page(postbox.arrived(tmp_path / "box"), number, tmp_path)


def test_the_mails_of_the_latest_cloud_are_shown(tmp_path: Path) -> None:
    assert postbox.newest(tmp_path / "none") is None
    keep_mail(tmp_path / "up", "older")
    keep_mail(tmp_path / "run", "newer")
    os.utime(tmp_path / "up" / "new", (1, 1))
    assert postbox.newest(tmp_path) == tmp_path / "run"
