"""The local mail server is a real one, and ends with the local cloud."""

from __future__ import annotations

import smtplib
import sys
from dataclasses import replace
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from local import mail, postbox
from local.errors import LocalError
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.cloud import Cloud
    from local.mail import MailServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    server = mail.start(tmp_path / "mails", tmp_path / "log")
    yield server
    server.stop()


def send(server: MailServer, recipient: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "shop@example.com",
        recipient,
        "Ahoj, světe",
    )
    message.set_content("Jak se vám líbilo?")
    settings = server.settings()
    with smtplib.SMTP(settings["host"], settings["port"], "example.com", timeout=60) as client:
        client.send_message(message)


@pytest.mark.parametrize("recipient", ["jana@example.com", "žofie@example.com"])
def test_what_is_sent_to_it_can_be_read(server: MailServer, recipient: str) -> None:
    send(server, recipient)
    (arrived,) = postbox.arrived(server.folder)
    assert (arrived.message["To"], arrived.message["Subject"]) == (recipient, "Ahoj, světe")
    assert arrived.message.get_content() == "Jak se vám líbilo?\n"


def test_it_can_be_stopped_by_another_command_and_keeps_the_mails(server: MailServer) -> None:
    send(server, "jana@example.com")
    replace(server, process=None).stop()
    assert wait_until(server.ended, seconds=60)
    assert not server.answers()
    assert len(postbox.arrived(server.folder)) == 1
    server.stop()


def test_a_new_server_starts_with_no_mails(server: MailServer, tmp_path: Path) -> None:
    send(server, "jana@example.com")
    server.stop()
    again = mail.start(server.folder, tmp_path / "log")
    again.stop()
    assert postbox.arrived(server.folder) == []


def test_one_that_does_not_start_says_where_its_words_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no licence')"]
    monkeypatch.setattr(mail, "_command", lambda *_: command)
    with pytest.raises(LocalError, match=r"did not start\. Its last words are in .*log"):
        mail.start(tmp_path / "mails", tmp_path / "log")
    assert (tmp_path / "log").read_text().strip() == "no licence"


def test_one_that_nobody_waits_for_any_more_is_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[MailServer] = []

    def interrupted(server: MailServer) -> bool:
        started.append(server)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mail.MailServer, "answers", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mail.start(tmp_path / "mails", tmp_path / "log")
    assert started[0].ended()


@pytest.mark.local_cloud
def test_a_local_cloud_has_a_mail_server(local_cloud: Cloud) -> None:
    assert local_cloud.mail
    assert local_cloud.mail.answers()
