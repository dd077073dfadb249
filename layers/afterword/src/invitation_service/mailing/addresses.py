"""Addresses as a mail server takes them."""

import re

import idna

# What has a meaning of its own in a command or a header is no part of an address that we took.
_PLAIN = re.compile(r"[^\x00-\x20\x7f-\x9f\u2028\u2029<>@,;:\"()\[\]\\]+")


class UnmailableAddressError(Exception):
    """No mail server takes this address."""


def split_address(address: str) -> tuple[str, str]:
    """Return what stands before and behind the `@`, the domain in ASCII.

    https://www.rfc-editor.org/rfc/rfc5891: any server takes such a domain. What stands before the
    `@` has no such form; only servers with SMTPUTF8 take more than ASCII there.

    Raises:
        UnmailableAddressError: It is no address.
    """
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        # The library's text repeats the domain.
        raise UnmailableAddressError from None
    if not (_PLAIN.fullmatch(local) and _PLAIN.fullmatch(ascii_domain)):
        raise UnmailableAddressError
    return local, ascii_domain


def on_the_wire(address: str) -> str:
    """Return an address with its domain in ASCII.

    Raises:
        UnmailableAddressError: It is no address.
    """
    return "@".join(split_address(address))
