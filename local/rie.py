"""The real Lambda runtime without Docker: a function behind AWS's runtime interface emulator, as a plain process.

SAM CLI brings the emulator along (https://github.com/aws/aws-lambda-runtime-interface-emulator). On the path are the
function, its layers and what the runtime has of itself, nothing else.
"""

from __future__ import annotations

import json
import platform
import re
import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from local.cloud import LOOPBACK, ROOT
from local.errors import LocalError
from local.processes import free_ports, signal_group
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PACKAGES = ("lib", "python3.13", "site-packages")
_RUNTIME = ROOT / ".venv-lambda"
_EMULATORS = (ROOT / ".venv-sam").joinpath(*_PACKAGES) / "samcli" / "local" / "rapid"
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 5
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")


@dataclass(frozen=True, slots=True)
class Function:
    """A built function.

    Attributes:
        handler: Dotted name of what is called.
        folders: Where it and its layers are, in the order in which they are searched.
        environ: Its environment.
        seconds: How long a call may take.
        memory: What it is told of its memory, in MB; nothing holds it to that.
    """

    handler: str
    folders: Sequence[Path]
    environ: Mapping[str, str]
    seconds: int = 30
    memory: int = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to.

    Attributes:
        payload: The function's answer, or Lambda's description of its failure.
        failed: Whether it failed: an exception, a crash, no time left.
    """

    payload: Any
    failed: bool


@dataclass(frozen=True, slots=True)
class Emulator:
    """A function that waits behind the emulator. It can take one call at a time.

    Attributes:
        url: Where it is called.
        log: What function and emulator write.
        seconds: How long a call may take.
    """

    url: str
    log: Path
    seconds: int

    def invoke(self, event: bytes) -> Answer:
        """Call the function.

        Args:
            event: The event, JSON.

        Returns:
            The answer. The first one takes longer, for the runtime starts with it.

        Raises:
            LocalError: The emulator itself does not answer.
        """
        try:
            # The emulator ends a call that takes too long; this is for an emulator that hangs.
            answer = _http().post(self.url, data=event, timeout=self.seconds + _SECONDS_TO_START)
        except requests.RequestException as error:
            raise LocalError(
                f"The runtime interface emulator failed: {type(error).__name__}.",
                f"Its log is {self.log}.",
            ) from None
        return _read(answer)

    def init_milliseconds(self) -> float:
        """Return how long interpreter, runtime and the function's imports took.

        Raises:
            LocalError: It has not been called yet, or its init failed.
        """
        found = _INIT.search(self.log.read_text(encoding="utf-8", errors="replace"))
        if found is None:
            raise LocalError("The emulator told no init time.", f"Its log is {self.log}.")
        return float(found[1])


@contextmanager
def running(function: Function, log: Path) -> Iterator[Emulator]:
    """Keep a function behind the emulator for as long as the block runs, and stop it however the block ends.

    Args:
        function: The function.
        log: Where function and emulator write.

    Yields:
        The emulator, ready. The runtime itself starts with the first call.

    Raises:
        LocalError: It did not start, or this is no machine for it.
    """
    command, port = _command(function)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the command is all ours.
            command,
            cwd=function.folders[0],
            env=_environ(function),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # So that the emulator and the runtime can be ended as one.
        )
    try:
        up = wait_until(
            lambda: process.poll() is not None or _listens(port), seconds=_SECONDS_TO_START
        )
        if not up or process.poll() is not None:
            raise LocalError("The runtime interface emulator did not start.", f"See {log}.")
        url = f"http://{LOOPBACK}:{port}/2015-03-31/functions/function/invocations"
        yield Emulator(url, log, function.seconds)
    finally:
        _stop(process)


def emulator() -> Path:
    """Find the emulator for this machine.

    Raises:
        LocalError: There is none.
    """
    machine = platform.machine().lower()
    file = _EMULATORS / f"aws-lambda-rie-{'arm64' if machine == 'aarch64' else machine}"
    if platform.system() != "Linux" or not file.exists():
        raise LocalError(
            "There is no runtime interface emulator for this machine.",
            "It runs on Linux, on x86_64 and arm64; elsewhere take 'sam local invoke'.",
        )
    return file


def _command(function: Function) -> tuple[list[str], int]:
    port, api = free_ports(LOOPBACK, 2)
    # Without `site` (-S) no package of the environment is found, except by the path below.
    python = [str(_RUNTIME / "bin" / "python"), "-S", "-m", "awslambdaric"]
    return [
        *(str(emulator()), "--log-level", "info"),
        *("--runtime-interface-emulator-address", f"{LOOPBACK}:{port}"),
        *("--runtime-api-address", f"{LOOPBACK}:{api}"),
        *(*python, function.handler),
    ], port


def _environ(function: Function) -> dict[str, str]:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    path = [*function.folders, _RUNTIME.joinpath(*_PACKAGES)]
    return {
        **function.environ,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.handler.split(".")[-3],
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.seconds),
        "LAMBDA_TASK_ROOT": str(function.folders[0]),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",  # In Lambda nothing of this can be written.
        "TZ": ":UTC",
    }


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _read(answer: requests.Response) -> Answer:
    try:
        payload = answer.json()
    except ValueError:
        # Such as "Task timed out after 60.00 seconds".
        return Answer({"errorMessage": answer.text}, failed=True)
    # An exception is answered with status 200, too.
    raised = isinstance(payload, dict) and "errorType" in payload
    return Answer(payload, failed=raised or not answer.ok)


def _stop(process: subprocess.Popen[bytes]) -> None:
    signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # Whatever the leader left behind is still in its group.
        signal_group(process.pid, signal.SIGKILL)
        process.wait(_SECONDS_TO_STOP)


def _http() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # No proxy, no .netrc: this is loopback.
    return session


def pretty(answer: Answer) -> str:
    """Write an answer for a reader, as JSON."""
    return json.dumps(answer.payload, indent=2, ensure_ascii=False)
