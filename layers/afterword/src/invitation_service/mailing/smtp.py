"""Hands mails to an account's mail server, and says truly what became of each.

https://www.rfc-editor.org/rfc/rfc5321
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from invitation_service.mailing.addresses import UnmailableAddressError, on_the_wire
from invitation_service.mailing.connecting import Timeouts, connect
from invitation_service.mailing.outcomes import (
    Delivered,
    Later,
    MailServerError,
    Outcome,
    Refused,
    Uncertain,
)
from invitation_service.mailing.settings import MailSettings

_GO_ON = 354
_CLOSING = 421
# Authentication is required: RFC 4954, 6. It says nothing of a mail.
_SIGN_IN_FIRST = 530
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class _GoneError(Exception):
    """The connection is of no use any more; the mail was not begun."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session:
    """A connection that takes one mail after the other, and is made anew if it breaks.

    Args:
        open_connection: Connects; raises MailServerError.
        from_address: The envelope's sender.
        timeouts: How long is waited.
    """

    def __init__(
        self,
        open_connection: Callable[[], smtplib.SMTP],
        from_address: str,
        timeouts: Timeouts,
    ) -> None:
        self._open_connection = open_connection
        self._from = on_the_wire(from_address)
        self._timeouts = timeouts
        self._client: smtplib.SMTP | None = open_connection()
        self._lost: Later | None = None

    def send(self, message: EmailMessage, recipient: str) -> Outcome:
        """Hand over one mail.

        Args:
            message: The mail, as `compose` makes it.
            recipient: Its address.

        Returns:
            What became of it. A connection that is lost for good is a Later for all that follow.
        """
        try:
            to = on_the_wire(recipient)
        except UnmailableAddressError:
            return Refused("bad_address")
        reason = ""
        # A connection may have died of idleness or of the server's limit: a new one may do.
        for _ in range(2):
            if self._lost:
                return self._lost
            try:
                return self._hand_over(self._connected(), message, to)
            except _GoneError as gone:
                self._drop()
                reason = gone.reason
            except MailServerError as error:
                self._lost = Later(error.reason, error.account_fault)
        return self._lost or Later(reason)

    def close(self) -> None:
        """End the connection."""
        if self._client:
            with suppress(smtplib.SMTPException):
                self._client.quit()
        self._drop()

    def _connected(self) -> smtplib.SMTP:
        if self._client is None:
            self._client = self._open_connection()
        return self._client

    def _drop(self) -> None:
        if self._client:
            self._client.close()
        self._client = None

    def _hand_over(self, client: smtplib.SMTP, message: EmailMessage, to: str) -> Outcome:
        options: list[str] = []
        if not to.isascii():
            if not client.has_extn("smtputf8"):
                return Refused("smtputf8_missing")
            # RFC 6531, 3.1: who offers the one offers the other.
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        begun = (
            self._ask(lambda: client.mail(self._from, options), whose="account")
            or self._ask(lambda: client.rcpt(to))
            or self._ask(lambda: client.docmd("data"), wanted=range(_GO_ON, _GO_ON + 1))
        )
        outcome = begun or self._finish(client, message)
        if isinstance(outcome, Refused | Later):
            self._start_afresh(client)
        return outcome

    def _ask(
        self,
        command: Callable[[], tuple[int, bytes]],
        *,
        wanted: range = range(200, 300),
        whose: str = "recipient",
    ) -> Refused | Later | None:
        try:
            code, _ = command()
        except smtplib.SMTPException:
            raise _GoneError("disconnected") from None
        if code in wanted:
            return None
        refusal = _refusal(code, whose)
        if refusal is None or code == _CLOSING:
            raise _GoneError(f"smtp_{code}" if refusal else "garbled")
        return refusal

    def _finish(self, client: smtplib.SMTP, message: EmailMessage) -> Outcome:
        try:
            if client.sock:
                client.sock.settimeout(self._timeouts.final)
            client.send(_wrapped(message))
            code, _ = client.getreply()
            if client.sock:
                client.sock.settimeout(self._timeouts.command)
        except (smtplib.SMTPException, OSError):
            self._drop()
            return Uncertain("no_answer")
        if code // 100 == 2:  # noqa: PLR2004 - the class of replies that accept.
            return Delivered()
        refusal = _refusal(code, "recipient")
        if refusal is None:
            self._drop()
            return Uncertain("garbled")
        return refusal

    def _start_afresh(self, client: smtplib.SMTP) -> None:
        try:
            code, _ = client.rset()
        except smtplib.SMTPException:
            code = _CLOSING
        if code // 100 != 2:  # noqa: PLR2004 - as above.
            self._drop()


class Mailer:
    """Opens sessions with mail servers.

    Args:
        make_context: Says which certificates are trusted: those that the system trusts.
        timeouts: How long is waited.
    """

    def __init__(
        self,
        make_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._make_context = make_context
        self._timeouts = timeouts or Timeouts()

    @contextmanager
    def session(self, settings: MailSettings) -> Iterator[Session]:
        """Connect to an account's mail server for as long as the block runs.

        Args:
            settings: The account's.

        Yields:
            The session.

        Raises:
            MailServerError: There is no connection; nothing was sent.
        """

        def open_connection() -> smtplib.SMTP:
            return connect(settings, self._make_context, self._timeouts)

        session = Session(open_connection, settings.from_address, self._timeouts)
        try:
            yield session
        finally:
            session.close()


def _refusal(code: int, whose: str) -> Refused | Later | None:
    reason = f"smtp_{code}"
    match code // 100:
        case 4:
            return Later(reason)
        case 5 if whose == "account" or code == _SIGN_IN_FIRST:
            # The sender is refused. That would end everybody's invitation, for a slip in settings.
            return Later(reason, account_fault=True)
        case 5:
            return Refused(reason)
    return None


def _wrapped(message: EmailMessage) -> bytes:
    # Servers that take a lone line feed for a line's end could be made to see the end of the mail.
    lines = _LINE_END.sub(b"\r\n", message.as_bytes())
    return _LEADING_DOT.sub(b"..", lines).removesuffix(b"\r\n") + b"\r\n.\r\n"
