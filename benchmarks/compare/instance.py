"""Starts a function's instance, and invokes it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.cloud import ROOT
from local.errors import LocalError

if TYPE_CHECKING:
    from local.rie import Function

_WORKER = Path(__file__).with_name("worker.py")
# What Lambda's runtime has of itself comes behind a function's layers, as there.
RUNTIME = ROOT / ".venv-lambda" / "lib" / "python3.13" / "site-packages"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an invocation took.

    Attributes:
        seconds: By the clock.
        cpu: Of CPU, in seconds, all threads together.
        peak: The most memory that the instance had until then, in bytes.
        payload: What the function answered.
    """

    seconds: float
    cpu: float
    peak: int
    payload: Any


class Instance:
    """A process that runs a function.

    Args:
        function: Which.
        log: Where it writes to.
        profile: Where the profile of all its invocations but the first is written in the end.
    """

    def __init__(self, function: Function, log: Path, profile: Path | None = None) -> None:
        self._function, self._log = function, log
        ours, theirs = socket.socketpair()
        folders = [*function.folders, RUNTIME]
        arguments = [str(theirs.fileno()), function.handler, str(profile or ""), *map(str, folders)]
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 -- our own
                [sys.executable, "-I", "-S", str(_WORKER), *arguments],
                env=_environ(function),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
            )
        theirs.close()
        self._pipe: Connection[bytes, bytes] = Connection(ours.detach())

    def invoke(self, event: object) -> Taken:
        """Invoke it.

        Args:
            event: What it is handed.

        Raises:
            LocalError: It failed, or wants messages to come again.
        """
        self._pipe.send_bytes(json.dumps(event).encode())
        try:
            answer = json.loads(self._pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            answer = {"error": "it ended"}
        payload = answer.get("payload")
        error = answer["error"] or (payload or {}).get("batchItemFailures")
        if error:
            raise LocalError(f"{self._function.handler} failed: {error}", f"See {self._log}.")
        return Taken(answer["seconds"], answer["cpu"], answer["peak"], payload)

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.wait()


def _environ(function: Function) -> dict[str, str]:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    return {
        **function.environ,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_NAME": function.handler.split(".")[-2],
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.seconds),
        "LAMBDA_TASK_ROOT": str(function.folders[0]),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": ":UTC",
    }
