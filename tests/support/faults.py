"""Providers that answer oddly or not at all, by address, and what their faults could tell."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.servers import refusing_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Answer


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    with serving(otherwise=answer) as server:
        yield server.url


@contextmanager
def refusing() -> Iterator[str]:
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def hanging_up() -> Iterator[str]:
    with serving(at_once=lambda connection: connection.shutdown(socket.SHUT_RDWR)) as server:
        yield server.url.replace("http:", "https:")


@contextmanager
def speaking(text: bytes) -> Iterator[str]:
    """Where TLS is expected, say something plain."""
    with serving(at_once=lambda connection: connection.sendall(text)) as server:
        yield server.url.replace("http:", "https:")


def walk(error: BaseException) -> Iterator[BaseException]:
    """Return an exception with all that a formatter, however chatty, could reach from it."""
    yield error
    for chained in (error.__cause__, error.__context__):
        if chained:
            yield from walk(chained)
