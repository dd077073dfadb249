from __future__ import annotations

import socket

import pytest


def test_a_unit_test_has_no_sockets() -> None:
    with pytest.raises(UserWarning, match=r"tried to use socket\.socket"):
        socket.socket()
