"""Audits what the stack deploys: the template by checkov, the third-party packages by pip-audit."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from local.errors import LocalError
from local.licences import REQUIREMENTS, ROOT, locked

if TYPE_CHECKING:
    from collections.abc import Collection

app = typer.Typer(add_completion=False)

TEMPLATE = ROOT / "template.yaml"
CHECKOV = ROOT / ".venv-audit" / "bin" / "checkov"
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
_NOTHING = "Nothing was audited."


def everything_on(template: str) -> str:
    """Return the template with the invitation service on, for checkov leaves out what a default leaves out.

    Raises:
        LocalError: The template has no such switch.
    """
    switch = r'(\n  InvitationService:\n    Type: String\n    Default: )"off"\n'
    on, count = re.subn(switch, r'\1"on"\n', template)
    if count != 1:
        raise LocalError("The template's switch for the invitation service is gone.", _NOTHING)
    return on


def template_findings(answer: str) -> list[str]:
    """Return what checkov objects to.

    Args:
        answer: What it wrote, in JSON.

    Raises:
        LocalError: It did not read the template.
    """
    report = _json(answer, "checkov")
    summary = report.get("summary", report)
    if summary.get("parsing_errors") != 0 or not summary.get("passed"):
        raise LocalError("checkov did not read the template.", _NOTHING)
    failed = report["results"]["failed_checks"]
    return [f"{each['check_id']} {each['resource']}: {each['check_name']}" for each in failed]


def package_findings(answer: str, packages: Collection[str]) -> list[str]:
    """Return which packages have known weaknesses, and which nobody could say anything about.

    Args:
        answer: What pip-audit wrote, in JSON. It is content if a package index knows a package not at all.
        packages: Names of all that should have been audited.

    Raises:
        LocalError: pip-audit reached no list of weaknesses.
    """
    audited = {each["name"]: each for each in _json(answer, "pip-audit").get("dependencies", [])}
    unknown = [name for name in packages if "vulns" not in audited.get(name, {})]
    weak = [
        f"{name} {each['version']}: {found['id']}, repaired in {found['fix_versions'] or 'none yet'}"
        for name, each in audited.items()
        for found in each.get("vulns", [])
    ]
    return [f"{name}: NOT AUDITED, no answer about it" for name in unknown] + weak


def _json(answer: str, tool: str) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise LocalError(f"{tool} gave no report.", f"{_NOTHING} Is the network there?") from None
    return report


def audit_template() -> list[str]:
    """Let checkov look at the template. Raises LocalError: nothing was audited."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(everything_on(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
        config = str(ROOT / ".checkov.yaml")
        return template_findings(
            _run(str(CHECKOV), "--config-file", config, "--file", str(path), "--output", "json")
        )


def audit_packages() -> list[str]:
    """Let pip-audit ask about each package of the layer. Raises LocalError: nothing was audited."""
    # Locked with hashes and complete, so nothing needs to be resolved or installed.
    arguments = (
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--format",
        "json",
    )
    answer = _run(str(PIP_AUDIT), "--requirement", str(REQUIREMENTS), *arguments)
    return package_findings(answer, locked(REQUIREMENTS.read_text(encoding="utf-8")))


def _run(*command: str) -> str:
    # Both end with 1 where they found something, too; the report says more than the number.
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603 -- our own commands


@app.command()
def main() -> None:
    """Audit template and packages; exit 1 if either has findings or could not be audited."""
    clean = True
    for what, audit in (("template", audit_template), ("packages", audit_packages)):
        try:
            findings = audit()
        except LocalError as error:
            findings = [str(error)]
        clean = clean and not findings
        typer.echo(f"== {what}: {'no findings' if not findings else ''}")
        for each in findings:
            typer.echo(f"  {each}")
    raise typer.Exit(0 if clean else 1)


if __name__ == "__main__":
    app()
