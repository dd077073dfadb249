"""What the README tells people to type is tried here, as far as this machine goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from afterword.deciding.accounts import parse_account
from afterword.deciding.campaigns import Mode, parse_campaign
from afterword.reading.shop_events import read_shop_event
from local.cloud import ROOT

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")


def line_of(start: str) -> str:
    (line,) = [line for line in README.splitlines() if line.startswith(start)]
    return line


def value_of(parameter: str) -> str:
    return line_of(f"aws ssm put-parameter --name {parameter} ").split("--value ")[1].strip("'")


def test_the_first_event_arrives_as_a_shop_event(tmp_path: Path) -> None:
    """An `aws` of our own prints what the line hands over."""
    aws = tmp_path / "aws"
    aws.write_text('#!/bin/sh\nfor argument; do printf "%s\\n" "$argument"; done\n')
    aws.chmod(0o755)
    told = subprocess.run(  # noqa: S603 - the README's own line.
        ["/bin/sh", "-c", line_of("aws events put-events")],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert told[:3] == ["events", "put-events", "--entries"]
    (entry,) = json.loads(told[3])
    assert read_shop_event(json.loads(entry["Detail"])).type == entry["DetailType"]
    assert (entry["Source"], entry["EventBusName"]) == ("shop.demo", "afterword-prod")


def test_the_first_campaign_is_one_and_asks_nobody() -> None:
    campaign = parse_campaign(
        "after-purchase", value_of("/afterword/prod/campaigns/after-purchase")
    )
    assert (campaign.mode, campaign.account) == (Mode.DRY_RUN, "helpdesk")


def test_the_first_account_is_one() -> None:
    text = value_of("/afterword/prod/accounts/helpdesk")
    assert parse_account("helpdesk", text, allow_http=False).provider == "nps"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|    )make ([a-z-]+)", README))))
def test_every_target_is_in_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([a-z/.-]+)\)", README))))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()
