"""An instance of a function, as a process of its own: it runs what it is handed, and says what that took.

    python -I -S worker.py DESCRIPTOR HANDLER PROFILE FOLDER...

Nothing but the standard library is imported here: on the path are the function, its layers and Lambda's own packages.
Events come and answers go as JSON over a socket, and both are read and written within what is measured, since Lambda's
runtime does so, too.
"""

from __future__ import annotations

import cProfile
import json
import os
import resource
import sys
import time
from contextlib import nullcontext
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUS = Path("/proc/self/status")


class Context:
    """What Lambda tells of an invocation."""

    def __init__(self, name: str, seconds: int) -> None:
        self.function_name = name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 1024
        self.invoked_function_arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
        self.aws_request_id = str(uuid4())
        self._ends_at = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


def peak() -> int:
    """Return the most memory that this process ever had, in bytes."""
    # What getrusage says is handed down from the process that started this one: execve(2) keeps it.
    if _STATUS.exists():
        line = next(each for each in _STATUS.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def cpu() -> float:
    """Return the CPU time that this process has had, all its threads together, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(handler: Callable[[Any, Any], Any], event: bytes, context: Context) -> dict[str, Any]:
    """Invoke the handler.

    Args:
        handler: The function's.
        event: What it is handed, as JSON.
        context: What it is told.

    Returns:
        Its answer or its error; what it took in seconds, of the clock and of CPU; the most memory so far, in bytes.
    """
    began, used = time.perf_counter(), cpu()
    payload, error = None, None
    try:
        payload = json.loads(json.dumps(handler(json.loads(event), context)))
    except Exception as raised:  # noqa: BLE001 -- as Lambda does
        error = f"{type(raised).__name__}: {raised}"
    took = {"seconds": time.perf_counter() - began, "cpu": cpu() - used, "peak": peak()}
    return took | {"payload": payload, "error": error}


def main() -> None:
    """Serve until nobody is there any more."""
    pipe: Connection[bytes, bytes] = Connection(int(sys.argv[1]))
    dotted, profile = sys.argv[2:4]
    sys.path[:] = [*sys.argv[4:-1], *sys.path, sys.argv[-1]]
    module, _, name = dotted.rpartition(".")
    handler = getattr(import_module(module), name)
    # Of CPU time: who waits for an answer spends none.
    profiler = cProfile.Profile(time.process_time) if profile else nullcontext()
    seconds = int(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])
    is_first = True
    while True:
        try:
            event = pipe.recv_bytes()
        except EOFError:
            break
        context = Context(os.environ["AWS_LAMBDA_FUNCTION_NAME"], seconds)
        with nullcontext() if is_first else profiler:
            answer = run(handler, event, context)
        is_first = False
        sys.stdout.flush()
        pipe.send_bytes(json.dumps(answer).encode())
    if isinstance(profiler, cProfile.Profile):
        profiler.dump_stats(profile)


if __name__ == "__main__":
    main()
