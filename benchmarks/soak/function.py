"""A function's instance as a process of its own: the real handler, a moved clock, and death by SIGKILL."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen
from uuid import uuid4

import time_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

# In the environment: where the provider's clock is set.
PROVIDER = "SOAK_PROVIDER"
# One process imports these once, and is the parent of all instances: they start in no time.
_PRELOADED = ["boto3", "requests", "aws_lambda_powertools", "afterword.wiring", __name__]
_context = get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation.

    Attributes:
        event: What the function is handed.
        now: The wall clock, Unix seconds. It stands still but for the time that the function sleeps.
        milliseconds: How much time the function believes it has.
        dies_after: How many calls to AWS it lives to begin or end; None: all of them.
    """

    event: dict[str, Any]
    now: int
    milliseconds: int
    dies_after: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it.

    Attributes:
        payload: What the function answered.
        error: The error that it ended with; None: it did not.
        ended: The wall clock then.
        peak: The most memory that the instance ever had, in bytes.
    """

    payload: Any
    error: str | None
    ended: int
    peak: int


@dataclass
class _Context:
    """What Lambda tells of an invocation."""

    milliseconds: int
    function_name: str = "afterword-soak"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:afterword-soak"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class Function:
    """Runs a function; whoever was killed is followed by a new instance.

    Args:
        name: Its folder in `functions`.
        environ: Its environment.
        log: Where its log goes.
        plant: Breaks something in the instance before it begins, for whoever tests the soak itself.
    """

    def __init__(
        self,
        name: str,
        environ: Mapping[str, str],
        log: Path,
        plant: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.killed = 0
        self.peaks: list[int] = []
        self._arguments = (name, dict(environ), str(log), plant)
        self._process: ForkServerProcess | None = None
        self._pipe: Connection[Any, Any] | None = None

    def begin(self, call: Call) -> None:
        """Begin an invocation."""
        if self._process is None or self._pipe is None:
            self._pipe, theirs = _context.Pipe()
            self._process = _context.Process(target=_instance, args=(theirs, *self._arguments))
            self._process.start()
            theirs.close()
        self._pipe.send(call)

    def end(self) -> Answer | None:
        """Wait for the end; None: it was killed."""
        if self._pipe is None:
            raise RuntimeError("nothing has begun")
        try:
            answer: Answer = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self.killed += 1
            self.close()
            return None
        self.peaks.append(answer.peak)
        return answer

    def close(self) -> None:
        """End the instance."""
        if self._pipe:
            self._pipe.close()
        if self._process:
            self._process.join()
            self._process.close()
        self._pipe = self._process = None


class _Clock:
    """The wall clock of an instance. Here nobody waits: who sleeps moves it, and the provider's with it.

    Args:
        provider: Where the provider answers.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._traveller: time_machine.Traveller | None = None

    @contextmanager
    def at(self, now: int) -> Iterator[None]:
        with time_machine.travel(now, tick=False) as self._traveller:
            yield
        self._traveller = None

    def sleep(self, seconds: float) -> None:
        if self._traveller:
            self._traveller.shift(seconds)
            told = json.dumps({"now": int(time.time())}).encode()
            with urlopen(f"{self._provider}/stand-in/settings", told):  # noqa: S310 -- loopback
                pass


@dataclass
class _Death:
    """Kills this process at the n-th time that a call to AWS begins or ends."""

    left: int | None = None

    def step(self, **_: object) -> None:
        if self.left is None:
            return
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def _instance(
    pipe: Connection[Any, Any],
    name: str,
    environ: Mapping[str, str],
    log: str,
    plant: Callable[[], None] | None,
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.clear()
    os.environ.update(environ)
    clock = _Clock(environ[PROVIDER])
    # Before anything takes hold of it.
    time.sleep = clock.sleep  # type: ignore[assignment]  # typeshed takes what has __index__, too
    import boto3  # noqa: PLC0415 -- with this environment

    session, death = boto3.Session(), _Death()
    boto3.DEFAULT_SESSION = session
    for event in ("before-call", "after-call"):
        session.events.register(event, death.step)
    if plant:
        plant()
    app = import_module(f"functions.{name}.app")
    while True:
        try:
            call: Call = pipe.recv()
        except EOFError:
            return
        death.left = call.dies_after
        with clock.at(call.now):
            answer = _invoke(app.handler, call)
        sys.stdout.flush()
        pipe.send(answer)


def _invoke(handler: Callable[..., Any], call: Call) -> Answer:
    payload, error = None, None
    try:
        payload = handler(call.event, _Context(call.milliseconds))
    except Exception as raised:  # noqa: BLE001 -- as Lambda does
        error = f"{type(raised).__name__}: {raised}"
    return Answer(payload, error, int(time.time()), _peak())


def _peak() -> int:
    # In kilobytes, but on macOS in bytes: getrusage(2).
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
