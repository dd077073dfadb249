"""Whoever reads docs/licences.md reads of what the layer carries, and of licences that were agreed to."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from local import licences
from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = licences.REQUIREMENTS.read_text()


class Package(Distribution):
    """An installed package with this metadata."""

    def __init__(self, *fields: tuple[str, str]) -> None:
        self.text = Message()
        for name, value in fields:
            self.text[name] = value

    def read_text(self, filename: str) -> str | None:
        return self.text.as_string() if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError(path)


def test_the_page_is_in_step_with_the_layer() -> None:
    assert licences.PAGE.read_text() == licences.rendered(REQUIREMENTS)


def test_each_package_of_the_layer_is_listed() -> None:
    packages = licences.locked(REQUIREMENTS)
    assert packages["requests"]
    assert len(packages) == REQUIREMENTS.count("==")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([("License-Expression", "MIT"), ("License", "other")], "MIT"),
        ([("License", "ISC")], "ISC"),
        (
            [
                ("License", "Permission is hereby granted, free of charge, to any person"),
                ("Classifier", "License :: OSI Approved :: BSD License"),
                ("Classifier", "Programming Language :: Python"),
            ],
            "BSD License",
        ),
        ([("Name", "x")], ""),
    ],
)
def test_a_licence_is_what_the_package_says(fields: list[tuple[str, str]], said: str) -> None:
    assert licences.licence(Package(*fields)) == said


def test_a_licence_that_nobody_agreed_to_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(licences.AGREED, "MPL-2.0")
    with pytest.raises(LocalError, match=r"certifi is under 'MPL-2\.0'"):
        licences.rendered(REQUIREMENTS)


@pytest.mark.parametrize("requirement", ["requests==0.1\n", "no-such-package==1.0\n"])
def test_what_is_not_installed_as_locked_is_told_of(requirement: str) -> None:
    with pytest.raises(LocalError, match="is not installed"):
        licences.rendered(requirement)


def test_the_command_writes_the_page_or_says_why_not(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "requirements.txt"
    run = CliRunner().invoke(licences.app, ["--page", str(page)])
    assert (run.exit_code, page.read_text()) == (0, licences.PAGE.read_text())
    other.write_text("requests==0.1\n")
    run = CliRunner().invoke(licences.app, ["--page", str(page), "--requirements", str(other)])
    assert run.exit_code == 1
    assert "requests 0.1 is not installed" in run.output
