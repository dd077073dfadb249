"""Who a customer is, without saying so: a keyed hash of the e-mail address."""

import hmac
import unicodedata
from functools import lru_cache

import idna


def normalise_email(email: str) -> str:
    """One spelling for one mailbox: NFC, trimmed, case-folded, the domain in IDNA's ASCII form.

    By the letter of RFC 5321 the part before the at sign may tell cases apart; no shop's customers
    do. Dots and plus signs stay: what they mean is each mail host's own affair.

    Args:
        email: An address that a model has already accepted.

    Raises:
        ValueError: It has no domain that IDNA knows, or nothing before it. The text does not quote
            the address.
    """
    folded = unicodedata.normalize("NFC", email.strip()).casefold()
    local, _, domain = unicodedata.normalize("NFC", folded).rpartition("@")
    ascii_domain = _ascii(domain)
    if not (local and ascii_domain):
        raise ValueError("not an address with a domain by IDNA")
    return f"{local}@{ascii_domain}"


# Customers are many, their mail hosts few, and IDNA takes longer than all the rest.
@lru_cache(maxsize=4096)
def _ascii(domain: str) -> str:
    """Return a domain in IDNA's ASCII form; nothing if it has none."""
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return ""


def customer_key(email: str, secret: bytes) -> str:
    """The name of a customer in the ledger.

    The key is never rotated: a new one would forget every unsubscription and every contact cap.
    The prefix leaves room for another way of hashing.

    Args:
        email: An address that a model has already accepted.
        secret: The HMAC key.

    Returns:
        `v1:` and 64 hexadecimal digits (HMAC-SHA256).
    """
    return "v1:" + hmac.digest(secret, normalise_email(email).encode(), "sha256").hex()
