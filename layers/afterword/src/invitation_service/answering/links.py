"""The two links that a mail carries: to the page that asks, and to the one that unsubscribes.

A link's token is signed, not encrypted: it holds the account's name and two numbers, no personal data.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

# Ours have about 80.
_MAX_TOKEN_CHARACTERS = 512
# Each purpose has its own: who was given one kind of link can't make the other of it.
_ANSWER, _UNSUBSCRIBE = "answer", "unsubscribe"


@dataclass(frozen=True, slots=True)
class Who:
    """The recipient whom a link was made for."""

    account: str
    survey_id: int
    recipient_id: int


class ForgedLinkError(Exception):
    """The token was not signed by one of our keys, or for another purpose."""


class Links:
    """Makes links and reads their tokens.

    Args:
        keys: Returns the secret keys, newest first, at least one: the first signs, all are accepted.
        public_url: What stands before `/s/` and `/u/`, without a slash at its end.
        newer_keys: Returns the keys when they are looked up once more, for a token that none of the
            known ones has signed; None if that is not due. Without it, nobody looks.
    """

    def __init__(
        self,
        keys: Callable[[], Sequence[str]],
        public_url: str,
        newer_keys: Callable[[], Sequence[str] | None] = lambda: None,
    ) -> None:
        self._keys = keys
        self._public_url = public_url
        self._newer_keys = newer_keys

    def score_url(self, who: Who, score: int | None = None) -> str:
        """Return the address of the page that asks.

        Args:
            who: Whom it asks.
            score: What is chosen when it opens, from 0 to 10; None for nothing.
        """
        query = "" if score is None else f"?score={score}"
        return f"{self._public_url}/s/{self._token(_ANSWER, who)}{query}"

    def unsubscribe_url(self, who: Who) -> str:
        """Return the address that unsubscribes: by a page, or in one click (RFC 8058)."""
        return f"{self._public_url}/u/{self._token(_UNSUBSCRIBE, who)}"

    def read_answer(self, token: str) -> Who:
        """Return who a `score_url` was made for.

        Raises:
            ForgedLinkError: It is not one of ours.
        """
        return self._read(_ANSWER, token)

    def read_unsubscribe(self, token: str) -> Who:
        """Return who an `unsubscribe_url` was made for.

        Raises:
            ForgedLinkError: It is not one of ours.
        """
        return self._read(_UNSUBSCRIBE, token)

    def _token(self, purpose: str, who: Who) -> str:
        payload = [who.account, who.survey_id, who.recipient_id]
        return _serializer(self._keys(), purpose).dumps(payload)

    def _read(self, purpose: str, token: str) -> Who:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise ForgedLinkError
        try:
            return _opened(self._keys(), purpose, token)
        except BadData:
            pass
        try:
            return _opened(self._newer_keys() or (), purpose, token)
        except BadData:
            # Without the cause, whose text repeats the signature.
            raise ForgedLinkError from None


def _opened(keys: Sequence[str], purpose: str, token: str) -> Who:
    if not keys:
        raise BadData("no keys")
    account, survey_id, recipient_id = _serializer(keys, purpose).loads(token)
    return Who(account, survey_id, recipient_id)


def _serializer(keys: Sequence[str], purpose: str) -> URLSafeSerializer:
    # The library signs with the last one: https://itsdangerous.palletsprojects.com/en/stable/concepts/#key-rotation
    return URLSafeSerializer(
        list(reversed(keys)),
        salt=f"afterword.invitation-service.{purpose}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
