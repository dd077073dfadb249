"""The local cloud: ministack, a process on a loopback port of its own.

It runs the functions as processes too, so stopping it means stopping its whole process group.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from local import fake_account, mail
from local.errors import LocalError
from local.processes import free_port, signal_group
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.mail import MailServer

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
MAILS = LOCAL / "mail"
# An environment of its own: the functions run in it too, and must not find this checkout there.
_PYTHON = str(ROOT / ".venv-cloud" / "bin" / "python")
LOOPBACK = "127.0.0.1"
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 5


@dataclass(frozen=True, slots=True)
class Cloud:
    """A local cloud that runs.

    Attributes:
        endpoint_url: Where it answers; only this machine can reach it.
        pid: Its process, which leads a group of its own: the functions' processes are in it.
        home: Its temporary files; gone when it is stopped.
        log: What it wrote.
        process: The process, where it is a child of ours.
        mail: The mail server that runs beside it.
    """

    endpoint_url: str
    pid: int
    home: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)
    mail: MailServer | None = None

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time.
        """Make a boto3 client of this cloud.

        Args:
            service: boto3's name of the service, such as `sqs`.

        Returns:
            The client, with made-up credentials.
        """
        return fake_account.client(service, self.endpoint_url)

    def reset(self) -> None:
        """Make it as empty as it was at its start."""
        _http().post(f"{self.endpoint_url}/_ministack/reset", timeout=30).raise_for_status()

    def answers(self) -> bool:
        """Say whether it answers."""
        try:
            answer = _http().get(f"{self.endpoint_url}/_ministack/health", timeout=5)
        except requests.RequestException:
            return False
        return answer.ok

    def ended(self) -> bool:
        """Say whether it has ended."""
        if self.process:
            return self.process.poll() is not None
        # Nobody's child: where nobody collects it, its id would stay.
        return not self.answers()

    def stop(self) -> None:
        """Stop it and every function process, by force if need be; remove its temporary files."""
        signal_group(self.pid, signal.SIGTERM)
        wait_until(self.ended, seconds=_SECONDS_TO_STOP)
        # Whatever the leader left behind is still in its group.
        signal_group(self.pid, signal.SIGKILL)
        wait_until(self.ended, seconds=_SECONDS_TO_STOP)
        if self.mail:
            self.mail.stop()
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def running(name: str, *, enforce_roles: bool = False, keep_mails: bool = False) -> Iterator[Cloud]:
    """Run a local cloud for as long as the block runs, and stop it however the block ends.

    Args:
        name: What its log is called.
        enforce_roles: Whether the functions may do only what their IAM roles allow.
        keep_mails: Whether the mails stay, in MAILS, until the next cloud of this name.

    Yields:
        The cloud, ready.
    """
    cloud = start(name, enforce_roles=enforce_roles, keep_mails=keep_mails)
    try:
        yield cloud
    finally:
        cloud.stop()


def start(
    name: str, *, enforce_roles: bool = False, bridge: str | None = None, keep_mails: bool = False
) -> Cloud:
    """Start a local cloud, with a mail server, on free loopback ports and wait until it answers.

    Args:
        name: What its log is called.
        enforce_roles: Whether the functions may do only what their IAM roles allow.
        bridge: Where it listens beside loopback: the address at which containers reach this machine.
        keep_mails: Whether the mails stay, in MAILS, until the next cloud of this name.

    Returns:
        The cloud, ready. The caller stops it.

    Raises:
        LocalError: It did not come up.
    """
    cloud = _spawn(name, enforce_roles=enforce_roles, bridge=bridge)
    try:
        mails = MAILS / name if keep_mails else cloud.home / "mail"
        cloud = replace(cloud, mail=mail.start(mails, LOCAL / f"{name}-mail.log"))
        wait_until(lambda: cloud.ended() or cloud.answers(), seconds=_SECONDS_TO_START)
        up = not cloud.ended() and cloud.answers()
    except BaseException:
        cloud.stop()
        raise
    if not up:
        cloud.stop()
        raise LocalError("The local cloud did not start.", f"Its last words are in {cloud.log}.")
    return cloud


def _spawn(name: str, *, enforce_roles: bool, bridge: str | None) -> Cloud:
    port = free_port(LOOPBACK)
    home, log = LOCAL / f"{name}-{port}", LOCAL / f"{name}.log"
    home.mkdir(parents=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module.
            _command(port, enforce_roles=enforce_roles, bridge=bridge),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=_environment(port, home, enforce_roles=enforce_roles),
            start_new_session=True,  # Ctrl-C is for us; and the group can be ended as one.
        )
    return Cloud(f"http://{LOOPBACK}:{port}", process.pid, home, log, process)


def _command(port: int, *, enforce_roles: bool, bridge: str | None) -> list[str]:
    if not (enforce_roles or bridge):
        return [_PYTHON, "-m", "ministack"]
    as_if_tls = f"{ROOT / 'local' / 'as_if_tls.py'}:app"
    application = as_if_tls if enforce_roles else "ministack.app:app"
    hosts = [LOOPBACK, bridge] if bridge else [LOOPBACK]
    binds = [option for host in hosts for option in ("--bind", f"{host}:{port}")]
    return [_PYTHON, "-m", "hypercorn", application, *binds]


def _environment(port: int, home: Path, *, enforce_roles: bool) -> dict[str, str]:
    # It hands its own environment on to the functions, so it gets little of ours.
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **fake_account.fake_account(inherited),
        "HOME": str(home),
        "TMPDIR": str(home),
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": fake_account.REGION,
        "S3_DATA_DIR": str(home / "s3"),
        "STATE_DIR": str(home / "state"),
        # Services that would open further ports, and Docker, which nothing here needs.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{home}/no-docker",
        "AUTH": str(enforce_roles).lower(),
    }


def _http() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # No proxy, no .netrc: this is loopback.
    return session
