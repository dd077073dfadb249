"""Ports and process groups: what starting and stopping a server takes."""

from __future__ import annotations

import errno
import os
import random
import socket
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal


# Below the ports that systems give out by themselves, to clients and to whoever asks for any port: none of those can
# come by one before the server that it is meant for listens.
# https://docs.kernel.org/networking/ip-sysctl.html, ip_local_port_range
_PORTS = range(20_000, 32_000)


def free_port(host: str) -> int:
    """Find a TCP port that nothing listens on.

    Args:
        host: The address to listen on.

    Returns:
        The port.
    """
    (port,) = free_ports(host, 1)
    return port


def free_ports(host: str, count: int) -> list[int]:
    """Find different TCP ports that nothing listens on.

    Args:
        host: The address to listen on.
        count: How many.

    Returns:
        The ports, in no order.
    """
    # Not the chance of `random` itself, which may have been made the same in two processes.
    ports = random.SystemRandom().sample(_PORTS, len(_PORTS))
    return list(islice((port for port in ports if _is_free(host, port)), count))


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and all that it has started; no error if they are gone.

    Args:
        pid: The process that leads the group.
        number: The signal.
    """
    # macOS says PermissionError of a group in which only zombies are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
