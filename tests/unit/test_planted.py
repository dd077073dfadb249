"""What a test of ours prints and logs is listened to: a session fails if it tells an address or a secret."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.cloud import ROOT
from tests.support import (
    invitation_service,
    mail_servers,
    netquest,
    parameters,
    planted,
    shop,
)
from tests.support.planted import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

TALKATIVE = """
import logging, os, pytest

def test_prints():
    print("asked jana@example.com")

def test_logs():
    logging.getLogger("afterword").warning("asked %s", "jana%40example.com")

def test_writes_past_python(capfd):
    os.write(1, b"asked jana@example.com")
    capfd.readouterr()

def test_takes_what_it_printed(capsys):
    print("a key: SECRET")
    capsys.readouterr()

@pytest.fixture
def noisy():
    yield
    print("left jana@example.com")

def test_tells_after_its_end(noisy):
    pass

def test_keeps_quiet():
    print("asked v1:18fd24df4f002fd9")
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_a_session_fails_whose_output_tells_an_address_or_a_secret(
    tmp_path: Path, processes: int
) -> None:
    file = tmp_path / "test_talkative.py"
    file.write_text(TALKATIVE.replace("SECRET", SECRETS[0]))
    options = ["-p", planted.__name__, "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    options += ["-n", str(processes)]
    done = subprocess.run(  # noqa: S603 -- our own interpreter and text
        [sys.executable, "-m", "pytest", *options, "-c", "/dev/null", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("::")[1] for line in done.stdout.splitlines() if line.startswith("TOLD")]
    assert lines == [
        "test_logs: jana%40example.com",
        "test_prints: jana@example.com",
        f"test_takes_what_it_printed: {SECRETS[0]}",
        "test_tells_after_its_end: jana@example.com",
        "test_writes_past_python: jana@example.com",
    ]
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_the_secrets_of_the_tests_support_are_listened_for() -> None:
    known = {parameters.KEY, shop.SECRET.decode(), mail_servers.PASSWORD}
    known |= {netquest.KEY, netquest.AUTH, netquest.ROTATED, invitation_service.LINK_KEY}
    assert known <= set(SECRETS)
