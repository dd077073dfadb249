"""A mail server on a loopback port. What it takes it keeps in a Maildir, and it sends nothing on."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.errors import LocalError
from local.processes import free_port, signal_group
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOOPBACK = "127.0.0.1"
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 5


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server that runs.

    Attributes:
        port: Where it listens; only this machine can reach it.
        pid: Its process, which leads a group of its own.
        folder: The Maildir.
        process: The process, where it is a child of ours.
    """

    port: int
    pid: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    def settings(self) -> Mapping[str, Any]:
        """Return what an account's mail settings say of this server: docs/mail.md."""
        # By address: containers have no way to it, whatever it is called.
        return {"host": LOOPBACK, "port": self.port, "security": "none"}

    def answers(self) -> bool:
        """Say whether it answers."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def ended(self) -> bool:
        """Say whether it has ended."""
        return self.process.poll() is not None if self.process else not self.answers()

    def stop(self) -> None:
        """Stop it; the mails stay where they are."""
        # Of one that is gone the id may be somebody else's.
        if not self.ended():
            signal_group(self.pid, signal.SIGTERM)
        wait_until(self.ended, seconds=_SECONDS_TO_STOP)


def start(folder: Path, log: Path) -> MailServer:
    """Start a mail server on a free loopback port and wait until it answers.

    Args:
        folder: Its Maildir; made anew.
        log: What it writes.

    Returns:
        The server. The caller stops it.

    Raises:
        LocalError: It did not come up.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = _spawn(folder, log)
    try:
        wait_until(lambda: server.ended() or server.answers(), seconds=_SECONDS_TO_START)
        up = not server.ended() and server.answers()
    except BaseException:
        server.stop()
        raise
    if not up:
        server.stop()
        raise LocalError("The local mail server did not start.", f"Its last words are in {log}.")
    return server


def _spawn(folder: Path, log: Path) -> MailServer:
    port = free_port(LOOPBACK)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module.
            _command(port, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us.
        )
    return MailServer(port, process.pid, folder, process)


def _command(port: int, folder: Path) -> list[str]:
    # https://aiosmtpd.aio-libs.org/en/stable/cli.html
    listening = ["--nosetuid", "--smtputf8", "--listen", f"{LOOPBACK}:{port}"]
    keeping = ["--class", "aiosmtpd.handlers.Mailbox", str(folder)]
    return [sys.executable, "-m", "aiosmtpd", *listening, *keeping]
