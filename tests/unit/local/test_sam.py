from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local import sam
from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A SAM CLI that writes down its arguments, and fails where the folder says so."""
    stand_in = tmp_path / "sam"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/told\necho "Error: no such thing"\n'
        f"test ! -e {tmp_path}/fail\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(sam, "SAM", stand_in)
    monkeypatch.setattr(sam, "LOCAL", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "arm64"), ("aarch64", "arm64")],
)
def test_functions_are_built_for_the_machines_own_processor(machine: str, expected: str) -> None:
    assert sam.architecture(machine) == expected


def test_the_processor_is_added_to_what_samconfig_says(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    sam.build()
    arguments = (told / "told").read_text()
    assert arguments.startswith("build --config-file")
    assert re.search(
        "--config-env local .*--parameter-overrides Stage=local .*Architecture=arm64$", arguments
    )


def test_a_failure_shows_its_last_lines_and_says_where_the_rest_is(told: Path) -> None:
    (told / "fail").touch()
    with pytest.raises(LocalError, match="'sam build' failed") as failure:
        sam.build()
    assert "Error: no such thing" in str(failure.value)
    assert str(told / "sam-build.log") in str(failure.value)
