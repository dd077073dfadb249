"""An audit that looked at nothing, or heard nothing, never passes for a clean one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from local import audit
from local.errors import LocalError
from local.licences import REQUIREMENTS, ROOT, locked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATE = audit.TEMPLATE.read_text()
CLEAN = {"summary": {"passed": 62, "parsing_errors": 0}, "results": {"failed_checks": []}}
FAILED = {"check_id": "CKV_AWS_27", "resource": "AWS::SQS::Queue.Q", "check_name": "Encrypted"}


def packages(**answers: Mapping[str, object]) -> str:
    """What pip-audit says of some packages."""
    return json.dumps({"dependencies": [{"name": name, **x} for name, x in answers.items()]})


def test_the_invitation_service_is_audited_too() -> None:
    on = audit.everything_on(TEMPLATE)
    before, after = TEMPLATE.splitlines(), on.splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert changed == [('    Default: "off"', '    Default: "on"')]
    with pytest.raises(LocalError, match="switch"):
        audit.everything_on(on)


def test_what_checkov_objects_to_is_a_finding() -> None:
    assert audit.template_findings(json.dumps(CLEAN)) == []
    answer = CLEAN | {"results": {"failed_checks": [FAILED]}}
    found = audit.template_findings(json.dumps(answer))
    assert found == ["CKV_AWS_27 AWS::SQS::Queue.Q: Encrypted"]


@pytest.mark.parametrize(
    "answer",
    [
        {"passed": 0, "failed": 0, "parsing_errors": 0},
        CLEAN | {"summary": {"passed": 62, "parsing_errors": 1}},
        CLEAN | {"summary": {"passed": 0, "parsing_errors": 0}},
        {},
    ],
)
def test_a_template_that_checkov_could_not_read_is_not_clean(answer: object) -> None:
    with pytest.raises(LocalError, match="did not read"):
        audit.template_findings(json.dumps(answer))


def test_a_known_weakness_is_a_finding() -> None:
    weak = {"version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    found = audit.package_findings(packages(a=weak, b={"version": "2", "vulns": []}), ["a", "b"])
    assert found == ["a 1.0: PYSEC-1, repaired in ['1.1']"]


def test_a_package_that_nobody_answered_for_is_a_finding() -> None:
    """pip-audit ends with 0 where an index does not know a package, and says that there are no weaknesses."""
    answer = packages(a={"skip_reason": "not found on PyPI"}, c={"version": "1", "vulns": []})
    found = audit.package_findings(answer, ["a", "b", "c"])
    assert [each.partition(",")[0] for each in found] == ["a: NOT AUDITED", "b: NOT AUDITED"]


@pytest.mark.parametrize("answer", ["", "Traceback"])
def test_without_a_report_nothing_passes(answer: str) -> None:
    with pytest.raises(LocalError, match="Nothing was audited"):
        audit.package_findings(answer, ["a"])
    with pytest.raises(LocalError, match="Nothing was audited"):
        audit.template_findings(answer)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A checkov and a pip-audit that answer with what stands in these files."""
    answers = {}
    for name, variable in (("checkov", "CHECKOV"), ("pip-audit", "PIP_AUDIT")):
        tool = tmp_path / name
        answers[name] = tmp_path / f"{name}.json"
        tool.write_text(f'#!/bin/sh\necho "$@" > {tool}.told\ncat {answers[name]}\n')
        tool.chmod(0o755)
        monkeypatch.setattr(audit, variable, tool)
    of_layer = locked(REQUIREMENTS.read_text())
    clean: dict[str, dict[str, object]] = {
        name: {"version": version, "vulns": []} for name, version in of_layer.items()
    }
    answers["checkov"].write_text(json.dumps(CLEAN))
    answers["pip-audit"].write_text(packages(**clean))
    return answers


def test_a_clean_audit_ends_well(tools: dict[str, Path]) -> None:
    run = CliRunner().invoke(audit.app)
    assert run.exit_code == 0
    assert run.output.count("no findings") == 2
    told = tools["checkov"].with_name("checkov.told").read_text()
    assert "--config-file" in told
    assert re.search(r"--file \S+template\.yaml", told)
    assert "requirements.txt" in tools["pip-audit"].with_name("pip-audit.told").read_text()


@pytest.mark.parametrize("silent", ["checkov", "pip-audit"])
def test_one_that_could_not_audit_ends_badly_and_the_other_is_told_of(
    tools: dict[str, Path], silent: str
) -> None:
    tools[silent].write_text("")
    run = CliRunner().invoke(audit.app)
    assert run.exit_code == 1
    assert f"{silent} gave no report. Nothing was audited." in run.output
    assert run.output.count("no findings") == 1


def test_every_exception_of_a_checker_says_why() -> None:
    for name, least in ((".checkov.yaml", 4), (".cfnlintrc", 4)):
        text = (ROOT / name).read_text()
        given = yaml.safe_load(text)
        exceptions = given.get("skip-check") or given["ignore_checks"]
        reasons = dict(re.findall(r"^  - (\w+) # (\S.{20,})$", text, re.MULTILINE))
        assert list(reasons) == exceptions
        assert len(exceptions) <= least


def test_the_auditors_are_pinned_with_hashes() -> None:
    asked = (ROOT / "local" / "audit.in").read_text()
    pinned = (ROOT / "local" / "audit.txt").read_text()
    tools = locked(asked)
    assert set(tools) == {"checkov", "pip-audit"}
    assert tools.items() <= locked(pinned).items()
    # uv is told to refuse whatever has no hash.
    entries = pinned.replace("\\\n", " ").splitlines()
    packages = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert [line for line in packages if "--hash=sha256:" not in line] == []
