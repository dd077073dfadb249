"""A real mail server on loopback that answers each stage as told, well or badly, and keeps what it takes."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

HOST = "127.0.0.1"
DROP, SILENCE, FLOOD = "drop", "silence", "flood"
USERNAME, PASSWORD = "planted-user", "planted-password"


@dataclass
class MailServer:
    """What a server takes, and how it is to answer.

    Attributes:
        told: For each stage (`greeting`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `.`, `RSET`) the next
            answers: a line, or one of DROP, SILENCE, FLOOD. When there are none, it answers as it should.
        taken: The mails with their recipients.
        senders: The senders, one for each mail that was begun.
        seen: The stages that were reached.
        connections: How many there were.
        silences: As many as it has fallen silent and nobody has given it up for.
    """

    port: int = 0
    told: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    connections: int = 0
    silences: Semaphore = field(default_factory=partial(Semaphore, 0))

    def will(self, stage: str, *answers: str) -> None:
        self.told[stage].extend(answers)

    async def handle_DATA(self, server: _Told, _: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name.
        if answer := server.next_answer("."):
            return await server.heard(answer)
        content = envelope.original_content
        assert content is not None
        self.senders.append(str(envelope.mail_from))
        self.taken += [(recipient, content) for recipient in envelope.rcpt_tos]
        return "250 OK"


class _Told(SMTP):
    told: MailServer

    def next_answer(self, stage: str) -> str | None:
        self.told.seen.append(stage)
        return self.told.told[stage].popleft() if self.told.told[stage] else None

    async def as_told(self, stage: str) -> bool:
        """Answer a stage as told; say whether that was the answer."""
        answer = self.next_answer(stage)
        if answer is None:
            return False
        await self.push(await self.heard(answer))
        return True

    async def heard(self, answer: str) -> str:
        """Return what is said in the end."""
        if answer == DROP:
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.abort()
        elif answer == SILENCE:
            self.told.silences.release()
            await asyncio.Event().wait()
        return "2" * 10_000 if answer == FLOOD else answer

    async def _handle_client(self) -> None:
        self.told.connections += 1
        if not await self.as_told("greeting"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - these names are SMTP's.
        if not await self.as_told("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if not await self.as_told("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if not await self.as_told("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self.as_told("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self.as_told("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if not await self.as_told("DATA"):
            await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        if not await self.as_told("RSET"):
            await super().smtp_RSET(arg)


@contextmanager
def mail_server(
    *, starttls: Path | None = None, tls: Path | None = None, sign_in: bool = False, **options: Any
) -> Iterator[MailServer]:
    """Run a mail server.

    Args:
        starttls: PEM file with certificate and key; with it, STARTTLS is offered.
        tls: The same for TLS from the first byte.
        sign_in: Whether clients must sign in, as USERNAME with PASSWORD.
        options: More of `aiosmtpd.smtp.SMTP`'s.
    """
    if starttls:
        options["tls_context"] = _server_context(starttls)
    if sign_in:
        options |= {"auth_required": True, "authenticator": _authenticate}
        options.setdefault("auth_require_tls", bool(starttls))
    told = MailServer()
    made: list[_Told] = []
    loop = asyncio.new_event_loop()

    def make_server() -> SMTP:
        with warnings.catch_warnings():
            # That signing in without STARTTLS is unsafe: here it is inside TLS.
            warnings.simplefilter("ignore", UserWarning)
            server = _Told(told, hostname="mail.example.com", loop=loop, **options)
        server.told = told
        made.append(server)
        return server

    context = _server_context(tls) if tls else None
    listener = _run(loop, loop.create_server(make_server, HOST, 0, ssl=context))
    told.port = listener.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield told
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listener.close()
        _run(loop, _end(made))
        loop.close()


def _run[Result](loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a thread of its own: in the tests' thread a browser's driver may keep a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(loop.run_until_complete, work).result()


async def _end(servers: Iterable[_Told]) -> None:
    """End what clients left open, and what stays silent for ever."""
    for server in servers:
        if server.transport:
            server.transport.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)


def _server_context(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:
    known = LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=data == known, handled=False)
