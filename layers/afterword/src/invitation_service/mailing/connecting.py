"""Connects to an account's mail server, safely or not at all."""

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from invitation_service.mailing.addresses import split_address
from invitation_service.mailing.outcomes import MailServerError
from invitation_service.mailing.settings import MailSettings

_TEMPORARY = range(400, 500)
# The first that fits; the last ones are errors of the operating system, of which the first ones are kinds, too.
_FAULTS: tuple[tuple[type[Exception], str, bool], ...] = (
    (smtplib.SMTPServerDisconnected, "disconnected", False),
    # The server offers no way to sign in, or none that both sides know.
    (smtplib.SMTPException, "auth_missing", True),
    (UnicodeError, "dns", True),
    (ssl.SSLCertVerificationError, "certificate", True),
    (ssl.SSLError, "tls", False),
    (TimeoutError, "timeout", False),
    (ConnectionRefusedError, "refused_connection", False),
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited, in seconds.

    Attributes:
        connect: For the connection, and for the handshake.
        command: For the answer to a command.
        final: For the answer to a whole mail; giving up leaves the mail uncertain.
    """

    connect: float = 10
    command: float = 20
    final: float = 60


def connect(
    settings: MailSettings, make_context: Callable[[], ssl.SSLContext], timeouts: Timeouts
) -> smtplib.SMTP:
    """Connect and sign in.

    Args:
        settings: The account's.
        make_context: Says which certificates are trusted.
        timeouts: How long is waited.

    Returns:
        A connection that is ready for mails.

    Raises:
        MailServerError: There is none.
    """
    try:
        client = _client(settings, make_context, timeouts)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _fault(error) from None
    try:
        _make_ready(client, settings, make_context, timeouts)
    except MailServerError:
        client.close()
        raise
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        client.close()
        # Without the cause, whose text is the server's.
        raise _fault(error) from None
    return client


def _client(
    settings: MailSettings, make_context: Callable[[], ssl.SSLContext], timeouts: Timeouts
) -> smtplib.SMTP:
    # Else smtplib asks the DNS for this machine's name, which is nobody's business.
    name = split_address(settings.from_address)[1]
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, name, timeout=timeouts.connect, context=make_context()
        )
    return smtplib.SMTP(settings.host, settings.port, name, timeout=timeouts.connect)


def _make_ready(
    client: smtplib.SMTP,
    settings: MailSettings,
    make_context: Callable[[], ssl.SSLContext],
    timeouts: Timeouts,
) -> None:
    if settings.security == "starttls":
        client.ehlo_or_helo_if_needed()
        if not client.has_extn("starttls"):
            # Whoever sits in between can strike the offer out, so there is no way but this.
            raise MailServerError("starttls_missing", account_fault=True)
        client.starttls(context=make_context())
    client.ehlo_or_helo_if_needed()
    if settings.username and settings.password:
        client.login(settings.username.get_secret_value(), settings.password.get_secret_value())
    if client.sock:
        client.sock.settimeout(timeouts.command)


def _fault(error: Exception) -> MailServerError:
    if isinstance(error, smtplib.SMTPResponseException):
        refused = isinstance(error, smtplib.SMTPAuthenticationError)
        if refused and error.smtp_code not in _TEMPORARY:
            return MailServerError("auth_refused", account_fault=True)
        return MailServerError(f"smtp_{error.smtp_code}")
    if isinstance(error, socket.gaierror):
        return MailServerError("dns", account_fault=error.errno == socket.EAI_NONAME)
    for kind, reason, account_fault in _FAULTS:
        if isinstance(error, kind):
            return MailServerError(reason, account_fault=account_fault)
    return MailServerError("no_connection")
