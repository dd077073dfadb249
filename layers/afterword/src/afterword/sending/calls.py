"""What is asked by HTTP, what comes of it, and whom TLS trusts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import certifi

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 5_000_000
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` may be cut off: the status is known all the same."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class NeverSentError(Exception):
    """Nothing of the request's body has left: DNS, refused connection, TLS handshake, no credentials."""


class LostError(Exception):
    """The request may have been processed; its answer is lost."""


type Result = Answer | NeverSentError | LostError


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: GET or POST; a body, if there is one, is not empty. `repr` hides all that may be secret."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def trust() -> ssl.SSLContext:
    """Return whom TLS trusts. To read the list of authorities takes some 20 ms: once is enough."""
    return ssl.create_default_context(cafile=certifi.where())
