"""Ports and process groups: what starting and stopping a server takes."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal


def free_port(host: str) -> int:
    """Find a TCP port that nothing listens on.

    Args:
        host: The address to listen on.

    Returns:
        The port.
    """
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and all that it has started; no error if they are gone.

    Args:
        pid: The process that leads the group.
        number: The signal.
    """
    # macOS says PermissionError of a group in which only zombies are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
