"""A mail's headers: one line each, whatever is put into them."""

import hashlib
import re
from email.header import Header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import quote

from invitation_service.mailing.addresses import split_address

MAX_HEADER_CHARACTERS = 250

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_UNPRINTABLE_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_MAILBOXES = frozenset({"from", "reply-to", "to"})


class _MailPolicy(EmailPolicy):
    """Writes the headers that people and mail programs look at.

    The library's own way puts spaces into long names and subjects, moves a long subject to a line of its own, and makes
    encoded words of a long link, in which no mail program finds it.
    """

    def fold(self, name: str, value: str) -> str:
        return self.fold_binary(name, value).decode()

    def fold_binary(self, name: str, value: str) -> bytes:
        written = _written(name, value)
        if written is None:
            folded: bytes = super().fold_binary(name, value)
            return folded
        return f"{name}: {written}{self.linesep}".encode("utf-8" if self.utf8 else "ascii")


def _written(name: str, value: str) -> str | None:
    if name.lower() in _MAILBOXES and isinstance(value, AddressHeader):
        return ", ".join(_mailbox(name, each) for each in value.addresses)
    if name.lower() == "subject":
        return value if value.isascii() else _encoded_words(name, value)
    return value if name.lower() == "list-unsubscribe" else None


def _mailbox(header: str, address: Address) -> str:
    shown = address.display_name
    if not shown:
        return address.addr_spec
    phrase = f'"{quote(shown)}"' if shown.isascii() else _encoded_words(header, shown)
    return f"{phrase} <{address.addr_spec}>"


def _encoded_words(header: str, text: str) -> str:
    # https://www.rfc-editor.org/rfc/rfc2047#section-2
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


_POLICY = _MailPolicy(linesep="\r\n")


def one_line(text: str, limit: int = MAX_HEADER_CHARACTERS) -> str:
    """Return a text as a header can have it: one line, without control characters, not too long."""
    line = " ".join(_UNPRINTABLE.sub(" ", text).split())
    if len(line) > limit:
        line = f"{line[: limit - 1].rstrip()}…"
    # What looks like an encoded word would be decoded by the library, line breaks and all (RFC 2047).
    return line.replace("=?", "= ?")


def lines(text: str) -> str:
    """Return a text of any number of lines, without control characters."""
    same_ends = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE_IN_TEXT.sub("", same_ends)


def mailbox(name: str, address: str) -> Address:
    """Return an address with the name that is shown for it.

    Raises:
        UnmailableAddressError: It is no address.
    """
    local, domain = split_address(address)
    shown = one_line(name)
    # Who has no name goes by the address; once is enough.
    return Address("" if shown.casefold() == address.casefold() else shown, local, domain)


def new_message(to: Address) -> EmailMessage:
    """Return a mail to somebody, ready for a server's commands: with CR LF, in ASCII if that will do."""
    needs_utf8 = not to.username.isascii()
    message = EmailMessage(policy=_POLICY.clone(utf8=True) if needs_utf8 else _POLICY)
    message["To"] = to
    return message


def message_id(account: str, survey_id: int, recipient_id: int, domain: str) -> str:
    """Return the Message-ID of the mail to a recipient, the same each time it is made.

    https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4. Mail programs show a mail that comes twice
    under one id once.
    """
    # Hashed, since an account's name need not be as an id wants it, and is nobody's business.
    whose = f"{account}#{survey_id}#{recipient_id}".encode()
    return f"<{hashlib.sha256(whose).hexdigest()[:40]}@{domain}>"


def unsubscribe_header(url: str, mailto: str | None) -> str:
    """Return the value of `List-Unsubscribe`: https://www.rfc-editor.org/rfc/rfc8058."""
    by_mail = f", <mailto:{'@'.join(split_address(mailto))}?subject=unsubscribe>" if mailto else ""
    return f"<{url}>{by_mail}"
