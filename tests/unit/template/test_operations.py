"""What stands beside the template keeps in step with it: its documentation, samconfig, the layer."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from .queue_promises import LONGEST_VISIBILITY
from .reading import ROOT, Template, read_document

TEMPLATE = Template(read_document())
PARAMETERS = TEMPLATE.document["Parameters"]
GUIDE = (ROOT / "docs" / "parameters.md").read_text()
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
TIMES = "\N{MULTIPLICATION SIGN}"
REQUIREMENTS = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text()


def overrides(environment: str) -> dict[str, str]:
    text: str = SAMCONFIG[environment]["deploy"]["parameters"].get("parameter_overrides", "")
    return dict(pair.split("=", 1) for pair in text.split())


def test_the_guide_lists_every_parameter_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", GUIDE, re.MULTILINE))
    expected = {
        name: f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"
        for name, parameter in PARAMETERS.items()
    }
    assert listed == expected


def test_the_guides_arithmetic_is_the_templates() -> None:
    queue = TEMPLATE.queues["ShopEventsQueue"]
    visibility = queue["VisibilityTimeout"]
    tries = queue["RedrivePolicy"]["maxReceiveCount"]
    said = {
        f"{tries} {TIMES} {visibility} s = {tries * visibility:,} s",
        f"{tries} {TIMES} {LONGEST_VISIBILITY:,} s = {tries * LONGEST_VISIBILITY:,} s",
        f"the {queue['MessageRetentionPeriod']:,} s of 4 days",
        f"2 {TIMES} {visibility} s = {2 * visibility} s",
    }
    assert {each for each in said if each not in GUIDE} == set()


@pytest.mark.parametrize("environment", ["default", "local"])
def test_both_environments_deploy_alike(environment: str) -> None:
    settings: dict[str, Any] = SAMCONFIG[environment]["deploy"]["parameters"]
    assert settings["capabilities"] == "CAPABILITY_IAM"
    assert settings["resolve_s3"] is True
    assert settings["tags"] == "application=afterword"


def test_a_real_account_gets_the_safe_defaults_and_is_asked_first() -> None:
    assert overrides("default") == {}
    assert SAMCONFIG["default"]["deploy"]["parameters"]["confirm_changeset"] is True


def test_the_local_stage_shows_everything() -> None:
    assert overrides("local") == {
        "Stage": "local",
        "AllowTimeTravel": "true",
        "InvitationService": "on",
    }


@pytest.mark.parametrize("environment", ["default", "local"])
def test_samconfig_sets_only_what_the_template_knows(environment: str) -> None:
    assert set(overrides(environment)) <= set(PARAMETERS)


def test_the_layer_is_pinned_by_hashes() -> None:
    entries = REQUIREMENTS.replace("\\\n", " ").splitlines()
    packages = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert packages
    unpinned = [line for line in packages if "==" not in line or "--hash=sha256:" not in line]
    assert unpinned == []


def test_the_layer_leaves_out_what_the_runtime_brings() -> None:
    assert re.findall(r"^(boto3|botocore|s3transfer)\b", REQUIREMENTS, re.MULTILINE) == []
    assert "aws-lambda-powertools==" in REQUIREMENTS
