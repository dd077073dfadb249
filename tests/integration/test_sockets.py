from __future__ import annotations

import socket

import pytest


def test_a_test_of_any_other_kind_reaches_loopback_alone() -> None:
    # TEST-NET-1: nobody's (https://www.rfc-editor.org/rfc/rfc5737).
    with socket.socket() as attempt, pytest.raises(UserWarning, match=r"192\.0\.2\.1"):
        attempt.connect(("192.0.2.1", 80))
