"""SAM CLI, as a real deployment uses it: builds template.yaml and deploys it to the local cloud."""

from __future__ import annotations

import os
import platform
import subprocess
import tomllib
from typing import TYPE_CHECKING

from local.cloud import LOCAL, ROOT, Cloud
from local.errors import LocalError
from local.fake_account import fake_account

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAM = ROOT / ".venv-sam" / "bin" / "sam"
# Not .aws-sam: that is for real accounts, and may hold a build for another processor.
BUILT = LOCAL / "sam" / "built"
_CONFIG = ROOT / "samconfig.toml"
_ENVIRONMENT = "local"
_TAIL = 15


def build() -> None:
    """Build functions and layers for this machine's processor into `BUILT`.

    Raises:
        LocalError: SAM CLI failed; its last lines are in the text.
    """
    cache = LOCAL / "sam" / "cache"
    _sam("build", "--build-dir", str(BUILT), "--cache-dir", str(cache), environ=_environ())


def deploy(cloud: Cloud) -> dict[str, str]:
    """Deploy what was built to the local cloud.

    Args:
        cloud: The local cloud.

    Returns:
        The stack's outputs by name.

    Raises:
        LocalError: SAM CLI failed; its last lines are in the text.
    """
    # {api_id} is the template's to fill in: it knows the id, this machine knows the port.
    public_url = f"InvitationServicePublicUrl={api_url(cloud, '{api_id}')}"
    template = str(BUILT / "template.yaml")
    _sam("deploy", "--template-file", template, environ=_environ(cloud), overrides=[public_url])
    return outputs(cloud)


def api_url(cloud: Cloud, api_id: str) -> str:
    """Return where an HTTP API answers in the local cloud, without a name to be resolved.

    Args:
        cloud: The local cloud.
        api_id: The API's id.
    """
    return f"{cloud.endpoint_url}/_aws/execute-api/{api_id}"


def outputs(cloud: Cloud) -> dict[str, str]:
    """Read the outputs of the stack that is deployed there.

    Args:
        cloud: The local cloud.

    Returns:
        The values by name.
    """
    name = _settings()["global"]["parameters"]["stack_name"]
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def architecture(machine: str) -> str:
    """Return Lambda's name of a processor, for local functions run on the machine's own.

    Args:
        machine: As `platform.machine()` says it.
    """
    return "arm64" if machine.lower() in {"arm64", "aarch64"} else "x86_64"


def _settings() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    settings: Mapping[str, Mapping[str, Mapping[str, str]]]
    settings = tomllib.loads(_CONFIG.read_text())[_ENVIRONMENT]
    return settings


def _sam(
    command: str, *options: str, environ: Mapping[str, str], overrides: Sequence[str] = ()
) -> None:
    log = LOCAL / f"sam-{command}.log"
    log.parent.mkdir(exist_ok=True)
    # On the command line the overrides would replace those of samconfig.toml, so they are joined.
    all_overrides = [
        *_settings()["deploy"]["parameters"]["parameter_overrides"].split(),
        f"Architecture={architecture(platform.machine())}",
        *overrides,
    ]
    arguments: Sequence[str] = [
        *(str(SAM), command, "--config-file", str(_CONFIG), "--config-env", _ENVIRONMENT),
        *options,
        *("--parameter-overrides", *all_overrides),
    ]
    with log.open("wb") as output:
        finished = subprocess.run(  # noqa: S603 - the arguments are all ours.
            arguments,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if finished.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:])
        raise LocalError(f"'sam {command}' failed:\n{tail}\n", f"All of it is in {log}.")


def _environ(cloud: Cloud | None = None) -> dict[str, str]:
    return {
        **fake_account(os.environ, cloud.endpoint_url if cloud else None),
        # `sam build` runs the python3.13 that it finds first, with its pip.
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",  # Seconds; a stack is there in one, not in five.
        "__SAM_CLI_APP_DIR": str(LOCAL / "sam" / "app"),
    }
