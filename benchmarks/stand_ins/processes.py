"""Stand-ins as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60


class StandIn:
    """A stand-in that runs.

    Args:
        url: Where it answers.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False  # No proxy: this is loopback.

    def tell(self, **settings: object) -> None:
        """Change its settings."""
        self._ask("POST", "settings", settings)

    def read(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Read one of its books."""
        return self._ask("GET", path).json()

    def lines(self, path: str) -> bytes:
        """Read lines."""
        return self._ask("GET", path).content

    def close(self) -> None:
        """Close the connection to it."""
        self._http.close()

    def _ask(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"{self.url}/stand-in/{path}"
        answer = self._http.request(method, url, json=body, timeout=_SECONDS)
        answer.raise_for_status()
        return answer


@contextmanager
def running(module: str) -> Iterator[StandIn]:
    """Run a stand-in.

    Args:
        module: Its name below `benchmarks.stand_ins`.
    """
    command = [sys.executable, "-m", f"benchmarks.stand_ins.{module}"]
    process = subprocess.Popen(  # noqa: S603 -- our own
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            if process.stdout is None or not (url := process.stdout.readline().strip()):
                raise RuntimeError(f"{module} did not start")
            stand_in = StandIn(url)
            try:
                yield stand_in
            finally:
                stand_in.close()
        finally:
            process.terminate()
