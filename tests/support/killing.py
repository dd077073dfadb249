"""A function in a process of its own that is killed: SIGKILL, at a point that is reached, not waited for."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from queue import Queue
from typing import TYPE_CHECKING, Any

from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Answer, Exchange

_ON_FIRST_USE = (
    "boto3",
    "ulid",
    "afterword.remembering.dynamodb",
    "afterword.remembering.parameters",
    "afterword.sending.providers",
    "functions.send_due_invitations.app",
    "functions.translate_events.app",
)


class Nursery:
    """A process without threads that forks others: each finds all imports done. `pids`: whom it has borne."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pids: Queue[int] = Queue()

    def bear(self, **job: Any) -> int:
        """Run a function in a process of its own; return how that ended, as subprocess does."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        self.pids.put(int(self._process.stdout.readline()))
        return int(self._process.stdout.readline())


@contextmanager
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.killing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        yield Nursery(process)


class Doomed:
    """One invocation, in a process that is killed or ends by itself.

    Args:
        nursery: Where it is born.
        endpoint: Through which it reaches AWS.
    """

    def __init__(self, nursery: Nursery, endpoint: str) -> None:
        self._nursery = nursery
        self._endpoint = endpoint
        self.killed = False

    def run(self, name: str, event: Any, seconds: int, now: int) -> None:
        """Run a function's handler to its end, whichever that is. `now`: the wall time there, in Unix seconds."""
        environment = {**os.environ, "AWS_ENDPOINT_URL": self._endpoint}
        ended = self._nursery.bear(
            name=name, event=event, seconds=seconds, now=now, environment=environment
        )
        assert ended == (-signal.SIGKILL if self.killed else 0), f"it ended with {ended}"
        if not self.killed:
            self._nursery.pids.get()

    def kill(self, _: Exchange | None = None) -> None:
        """Kill it: what it has asked for stays without an answer."""
        self.killed = True
        os.kill(self._nursery.pids.get(timeout=60), signal.SIGKILL)

    def killed_after(self, answer: Answer) -> Answer:
        """Do what was asked for, and kill it before it hears of it."""

        def then(exchange: Exchange) -> None:
            answer(exchange)
            self.kill()

        return then


def _bear_children() -> None:
    from afterword import wiring  # noqa: PLC0415 -- not for whoever imports this module
    from tests.support.fakes import Clock  # noqa: PLC0415
    from tests.support.functions import Context, load  # noqa: PLC0415
    from tests.support.running import time_of  # noqa: PLC0415

    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.clear()
            os.environ.update(job["environment"])
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            vars(wiring)["time"] = time_of(Clock(job["now"]))
            load(job["name"]).handler(job["event"], Context(1000 * job["seconds"]))
            os._exit(0)
        _tell(child)
        _, status = os.waitpid(child, 0)
        _tell(os.waitstatus_to_exitcode(status))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _import_the_rest() -> None:
    """Import what the functions import on first use."""
    for name in _ON_FIRST_USE:
        importlib.import_module(name)


if __name__ == "__main__":
    _import_the_rest()
    _bear_children()
