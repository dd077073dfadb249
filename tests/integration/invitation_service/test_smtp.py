"""What is said of a mail is what became of it, whatever a mail server does."""

from __future__ import annotations

import logging
import socket
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from select import select
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from invitation_service.mailing.connecting import Timeouts
from invitation_service.mailing.outcomes import (
    Delivered,
    Later,
    MailServerError,
    Outcome,
    Refused,
    Uncertain,
)
from invitation_service.mailing.settings import MailSettings
from invitation_service.mailing.smtp import Mailer
from tests.support.certificates import write_self_signed
from tests.support.letters import SENDER, make_mail, make_template
from tests.support.mail_servers import (
    DROP,
    FLOOD,
    HOST,
    PASSWORD,
    SILENCE,
    USERNAME,
    MailServer,
    mail_server,
)
from tests.support.servers import refusing_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JANE = "jane@example.com"
STAGES = ("MAIL", "RCPT", "DATA", ".")
# What a server says in plain words repeats what it was told.
WORDS = f"5.1.1 <{JANE}> is unknown here"
# Long enough for a server that answers.
PATIENT = Timeouts(connect=60, command=60, final=60)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_self_signed(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server(enable_SMTPUTF8=True) as server:
        yield server


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch, server: MailServer) -> None:
    """The time of a wait is over as soon as the server has fallen silent, and not before, however slow it is."""

    class Hasty(socket.socket):
        def recv_into(self, *into: Any) -> int:
            # Else it would wait for ever.
            assert self.gettimeout()
            while not select([self], [], [], 0.01)[0]:
                if server.silences.acquire(blocking=False):
                    raise TimeoutError
            return super().recv_into(*into)

    monkeypatch.setattr(socket, "socket", Hasty)


def settings(port: int, **changes: Any) -> MailSettings:
    fields = SENDER.model_dump() | {"host": HOST, "port": port, "security": "none"} | changes
    return MailSettings(**fields)


def send(
    port: int,
    *recipients: str,
    timeouts: Timeouts = PATIENT,
    trust: Path | None = None,
    **fields: Any,
) -> list[Outcome]:
    """Send a mail to each over one session."""
    mailer = Mailer(partial(ssl.create_default_context, cafile=trust), timeouts)
    with mailer.session(settings(port, **fields)) as session:
        mails = [(make_mail(recipient={"email": to, "name": "X"}), to) for to in recipients]
        return [session.send(mail, to) for mail, to in mails]


def fault(port: int, **how: Any) -> tuple[str, bool]:
    """Return why there is no connection, and whether that is the account's fault."""
    with pytest.raises(MailServerError) as caught:
        send(port, JANE, **how)
    told = caught.value
    assert told.args == (told.reason,)
    assert told.__suppress_context__ or told.__context__ is None
    return told.reason, told.account_fault


SIGN_IN: dict[str, Any] = {"username": SecretStr(USERNAME), "password": SecretStr(PASSWORD)}


# All is well


def test_many_mails_go_over_one_connection(server: MailServer) -> None:
    people = [f"person{number}@example.com" for number in range(5)]
    assert send(server.port, *people) == [Delivered()] * 5
    assert [recipient for recipient, _ in server.taken] == people
    assert set(server.senders) == {"hello@shop.example.com"}
    assert server.connections == 1


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    mail = make_mail(template=make_template(".\n..\n.hidden\nPříliš [LINK]\n."))
    with Mailer().session(settings(server.port)) as session:
        assert session.send(mail, JANE) == Delivered()
    ((_, raw),) = server.taken
    assert raw == mail.as_bytes()
    got = message_from_bytes(raw, _class=EmailMessage, policy=default).get_body(("plain",))
    assert got is not None
    assert got.get_content().startswith(".\r\n..\r\n.hidden\r\nPříliš https://")


def test_a_mail_with_odd_line_ends_can_t_smuggle_another_one_in(server: MailServer) -> None:
    """https://www.postfix.org/smtp-smuggling.html."""
    mail = EmailMessage()
    mail.set_payload("one\n.\nMAIL FROM:<eve@example.com>\r.\r\ntwo\r\n.\r\nthree")
    with Mailer().session(settings(server.port)) as session:
        assert session.send(mail, JANE) == Delivered()
        assert session.send(make_mail(), JANE) == Delivered()
    assert server.senders == ["hello@shop.example.com"] * 2
    assert (
        b"one\r\n.\r\nMAIL FROM:<eve@example.com>\r\n.\r\ntwo\r\n.\r\nthree" in server.taken[0][1]
    )


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_signed_in(certificate: Path, way: str) -> None:
    encrypted: dict[str, Any] = {way: certificate}
    with mail_server(**encrypted, sign_in=True) as server:
        outcomes = send(server.port, JANE, security=way, trust=certificate, **SIGN_IN)
        assert outcomes == [Delivered()]
        assert server.taken
        assert ("STARTTLS" in server.seen) is (way == "starttls")
        assert "AUTH" in server.seen


def test_a_domain_of_another_script_reaches_any_server() -> None:
    with mail_server() as server:
        assert send(server.port, "jana@háčky.example.com") == [Delivered()]
        assert server.taken[0][0] == "jana@xn--hky-ela4t.example.com"


def test_an_address_of_another_script_reaches_servers_that_know_it(server: MailServer) -> None:
    assert send(server.port, "žofie@example.com", JANE) == [Delivered()] * 2
    assert [recipient for recipient, _ in server.taken] == ["žofie@example.com", JANE]


def test_it_is_refused_to_the_recipient_alone_where_they_don_t() -> None:
    with mail_server() as server:
        outcomes = send(server.port, "žofie@example.com", JANE)
        assert outcomes == [Refused("smtputf8_missing"), Delivered()]
        assert "žofie" not in str(server.taken)


@pytest.mark.parametrize(
    "address", ["", "jane", "jane@", "a b@example.com", "a>\r\nRSET@example.com", "<a@example.com"]
)
def test_what_is_no_address_never_becomes_a_command(server: MailServer, address: str) -> None:
    with Mailer().session(settings(server.port)) as session:
        assert session.send(make_mail(), address) == Refused("bad_address")
        assert session.send(make_mail(), JANE) == Delivered()
    assert server.seen.count("MAIL") == 1


# The server says no


@pytest.mark.parametrize("stage", STAGES)
def test_not_now_is_later_and_the_next_one_is_mailed(server: MailServer, stage: str) -> None:
    server.will(stage, f"451 {WORDS}")
    assert send(server.port, JANE, "bob@example.com") == [Later("smtp_451"), Delivered()]
    assert server.connections == 1


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "."])
def test_never_is_a_refusal_and_the_next_one_is_mailed(server: MailServer, stage: str) -> None:
    server.will(stage, f"550 {WORDS}")
    assert send(server.port, JANE, "bob@example.com") == [Refused("smtp_550"), Delivered()]
    assert [recipient for recipient, _ in server.taken] == ["bob@example.com"]
    assert server.connections == 1


@pytest.mark.parametrize(("stage", "code"), [("MAIL", 553), ("MAIL", 530), ("RCPT", 530)])
def test_a_refused_sender_ends_nobody_s_invitation(
    server: MailServer, stage: str, code: int
) -> None:
    server.will(stage, f"{code} {WORDS}")
    assert send(server.port, JANE) == [Later(f"smtp_{code}", account_fault=True)]


@pytest.mark.parametrize("answer", ["502 what?", DROP])
def test_a_server_that_will_not_start_afresh_gets_a_new_connection(
    server: MailServer, answer: str
) -> None:
    server.will("RCPT", "550 no")
    server.will("RSET", answer)
    assert send(server.port, JANE, "bob@example.com") == [Refused("smtp_550"), Delivered()]
    assert server.connections == 2


# The connection breaks


@pytest.mark.parametrize("answer", [DROP, FLOOD, "421 too many mails", "hello?", "999 what"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_before_the_mail_was_begun_it_is_tried_on_a_new_connection(
    server: MailServer, stage: str, answer: str
) -> None:
    server.will(stage, answer)
    assert send(server.port, JANE) == [Delivered()]
    assert (len(server.taken), server.connections) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(DROP, "disconnected"), ("421 too many mails", "smtp_421"), ("hello?", "garbled")],
)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_it_is_tried_twice_and_then_later(
    server: MailServer, stage: str, answer: str, reason: str
) -> None:
    server.will(stage, answer, answer)
    assert send(server.port, JANE, "bob@example.com") == [Later(reason), Delivered()]
    assert (len(server.taken), server.connections) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(DROP, "no_answer"), (FLOOD, "no_answer"), ("hello?", "garbled"), ("354 more?", "garbled")],
)
def test_after_it_was_begun_nobody_knows(server: MailServer, answer: str, reason: str) -> None:
    """It is not sent again, and the next one is not held up."""
    server.will(".", answer)
    assert send(server.port, JANE, "bob@example.com") == [Uncertain(reason), Delivered()]
    assert (server.seen.count("."), server.connections) == (2, 2)


def test_a_server_that_closes_after_the_mail_has_said_what_became_of_it(server: MailServer) -> None:
    server.will(".", "421 shutting down")
    assert send(server.port, JANE, "bob@example.com") == [Later("smtp_421"), Delivered()]


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        ("MAIL", Later("disconnected")),
        ("RCPT", Later("disconnected")),
        ("DATA", Later("disconnected")),
        (".", Uncertain("no_answer")),
    ],
)
@pytest.mark.usefixtures("_hasty")
def test_a_server_that_falls_silent_is_given_up(
    server: MailServer, stage: str, outcome: Outcome
) -> None:
    server.will(stage, SILENCE, SILENCE)
    assert send(server.port, JANE) == [outcome]
    assert server.taken == []


def test_each_wait_has_a_limit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, server: MailServer
) -> None:
    limits: list[float | None] = []

    class Watched(socket.socket):
        def settimeout(self, value: float | None) -> None:
            limits.append(value)
            super().settimeout(value)

    monkeypatch.setattr(socket, "socket", Watched)
    timeouts = Timeouts(connect=11, command=12, final=13)
    assert send(server.port, JANE, timeouts=timeouts) == [Delivered()]
    assert [limit for limit in limits if limit in {11, 12, 13}] == [11, 12, 13, 12]


def test_where_no_new_connection_can_be_had_all_that_follow_are_later(server: MailServer) -> None:
    server.will("MAIL", DROP)
    mailer = Mailer(timeouts=PATIENT)
    with mailer.session(settings(server.port)) as session:
        server.will("greeting", *["554 go away"] * 5)
        outcomes = [session.send(make_mail(), JANE) for _ in range(3)]
    assert outcomes == [Later("smtp_554")] * 3
    assert server.connections == 2


# There is no connection


def test_a_server_that_refuses_connections_has_got_nothing() -> None:
    with refusing_port() as port:
        assert fault(port) == ("refused_connection", False)


@pytest.mark.parametrize(
    ("stage", "answer", "reason"),
    [
        ("greeting", "554 no", "smtp_554"),
        ("greeting", "421 busy", "smtp_421"),
        ("greeting", DROP, "disconnected"),
        ("EHLO", DROP, "disconnected"),
    ],
)
def test_a_server_that_greets_nobody_is_tried_later(
    server: MailServer, stage: str, answer: str, reason: str
) -> None:
    server.will(stage, answer)
    assert fault(server.port) == (reason, False)


@pytest.mark.parametrize("stage", ["greeting", "EHLO"])
@pytest.mark.usefixtures("_hasty")
def test_a_server_that_does_not_greet_is_given_up(server: MailServer, stage: str) -> None:
    server.will(stage, SILENCE)
    assert fault(server.port) == ("disconnected", False)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), ("dns", True)),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), ("dns", False)),
        (UnicodeError("label too long"), ("dns", True)),
        (TimeoutError("too slow"), ("timeout", False)),
        (OSError("no route"), ("no_connection", False)),
    ],
)
def test_a_network_that_leads_nowhere_is_told_from_a_wrong_name(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: tuple[str, bool]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("invitation_service.mailing.connecting.smtplib.SMTP", fail)
    assert fault(25) == told


def test_a_server_that_offers_no_encryption_gets_no_mail_and_no_password(
    server: MailServer,
) -> None:
    assert fault(server.port, security="starttls", **SIGN_IN) == ("starttls_missing", True)
    assert set(server.seen) == {"greeting", "EHLO"}


def test_encryption_that_can_t_be_had_now_is_later(certificate: Path) -> None:
    with mail_server(starttls=certificate) as server:
        server.will("STARTTLS", "454 not now")
        assert fault(server.port, security="starttls", trust=certificate) == ("smtp_454", False)


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_server_with_a_certificate_that_nobody_trusts_gets_nothing(
    certificate: Path, way: str
) -> None:
    encrypted: dict[str, Any] = {way: certificate}
    with mail_server(**encrypted, sign_in=True) as server:
        assert fault(server.port, security=way, **SIGN_IN) == ("certificate", True)
        assert "AUTH" not in server.seen


def test_a_certificate_for_another_name_is_not_trusted(certificate: Path) -> None:
    with mail_server(tls=certificate) as server:
        told = fault(server.port, host="localhost", security="tls", trust=certificate)
        assert told == ("certificate", True)


def test_a_server_that_does_not_speak_tls_gets_nothing(
    server: MailServer, certificate: Path
) -> None:
    assert fault(server.port, security="tls", trust=certificate) == ("tls", False)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, ("auth_refused", True)),
        ("535 no", ("auth_refused", True)),
        ("454 not now", ("smtp_454", False)),
        (DROP, ("disconnected", False)),
    ],
)
def test_who_may_not_sign_in_sends_nothing(
    certificate: Path, answer: str | None, told: tuple[str, bool]
) -> None:
    with mail_server(starttls=certificate, sign_in=True) as server:
        # It is asked once for each way to sign in.
        server.will("AUTH", *[answer] * 3 if answer else ())
        wrong: dict[str, Any] = {
            "username": SecretStr(USERNAME),
            "password": SecretStr("planted-old-password"),
        }
        assert fault(server.port, security="starttls", trust=certificate, **wrong) == told
        assert "MAIL" not in server.seen


def test_a_server_that_lets_nobody_sign_in_is_the_account_s_fault(server: MailServer) -> None:
    server.will("EHLO", "250 plain")
    assert fault(server.port, **SIGN_IN) == ("auth_missing", True)


# Nobody is told


def test_no_secret_and_no_address_is_told(
    certificate: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    # The server of this test logs for itself.
    caplog.set_level(logging.CRITICAL, logger="mail")
    with mail_server(starttls=certificate, sign_in=True) as server:
        how: dict[str, Any] = {"security": "starttls", "trust": certificate}
        server.will("RCPT", f"550 {WORDS}", f"451 {WORDS}")
        server.will(".", f"554 {WORDS}", DROP)
        outcomes = send(server.port, *[JANE] * 4, **how, **SIGN_IN)
        server.will("AUTH", *[f"535 {USERNAME} {PASSWORD}"] * 3)
        with pytest.raises(MailServerError) as caught:
            send(server.port, JANE, **how, **SIGN_IN)
    logged = [each.getMessage() for each in caplog.records]
    shown = [*capfd.readouterr(), *logged, repr(outcomes), repr(caught.value), str(caught.value)]
    assert not [
        text for text in shown for secret in (JANE, "jane", PASSWORD, USERNAME) if secret in text
    ]
    assert len(outcomes) == 4
