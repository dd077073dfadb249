from __future__ import annotations

import random
import socket

import pytest

from local.processes import free_port, free_ports

HOST = "127.0.0.1"


def test_free_ports_are_different_and_none_that_a_system_gives_out_by_itself() -> None:
    """From 32768 on Linux does, from 49152 on others: a client could have it before the server."""
    found = free_ports(HOST, 50)
    assert len(set(found)) == 50
    assert all(1024 < port < 32_768 for port in found)


def test_a_port_that_somebody_listens_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, other = free_ports(HOST, 2)

    def in_this_order(*_: object) -> list[int]:
        return [taken, other]

    monkeypatch.setattr(random.SystemRandom, "sample", in_this_order)
    with socket.socket() as server:
        server.bind((HOST, taken))
        server.listen()
        assert free_port(HOST) == other


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        free_port("192.0.2.1")
