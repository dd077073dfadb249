"""A Chromium is found, or installed where that is easy, or it is said in a line what to do."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from local.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INSTALLS = 'case "$*" in *install*) touch {0}/chromium; chmod +x {0}/chromium;; esac'


class Machine:
    """A machine that has these programs alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for needed in ("chmod", "touch"):
            (folder / needed).symlink_to(str(shutil.which(needed)))

    def has(self, name: str, script: str = "") -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)

    def look(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - all ours.
            ["/bin/sh", str(ROOT / "local" / "chromium.sh")],
            env={"PATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_an_installed_one_is_used(machine: Machine, name: str) -> None:
    machine.has(name)

    found = machine.look()

    assert (found.returncode, found.stdout, found.stderr) == (0, f"{machine.folder / name}\n", "")


def test_root_gets_debians_package(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has("apt-get", INSTALLS.format(machine.folder))

    found = machine.look()

    assert (found.returncode, found.stdout) == (0, f"{machine.folder / 'chromium'}\n")


def test_a_package_that_can_not_be_fetched_is_told(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has("apt-get", "exit 100")

    found = machine.look()

    assert found.returncode == 1
    assert "could not be installed" in found.stderr


@pytest.mark.parametrize("user", ["0", "1000"])
def test_whoever_can_install_nothing_is_told_in_a_line(machine: Machine, user: str) -> None:
    machine.has("id", f"echo {user}")
    if user != "0":
        machine.has("apt-get", "exit 100")

    found = machine.look()

    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines() == [
        "chromium: none was found. Install one (Debian: apt-get install chromium), then try again."
    ]
