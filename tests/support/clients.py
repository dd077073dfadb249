"""Other people's clients, each in a process and an environment of its own, called as tests want it."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DRIVERS = ROOT / "tests" / "conformance" / "clients"
_INSTALLED = ROOT / ".local" / "clients"


def install() -> None:
    """Install them by their locks, unless that is done."""
    subprocess.run(["sh", str(_DRIVERS / "install.sh")], check=True)  # noqa: S603, S607 - our own script.


@dataclass(frozen=True, slots=True)
class Client:
    """A client, signed in: call its methods by name."""

    asked: IO[str]
    answered: IO[str]

    def ask(self, name: str, *args: object, **kwargs: object) -> dict[str, Any]:
        """Return `result`, or `error` with `status` and `text`."""
        self.asked.write(json.dumps([name, args, kwargs]) + "\n")
        self.asked.flush()
        answer: dict[str, Any] = json.loads(self.answered.readline())
        return answer

    def call(self, name: str, *args: object, **kwargs: object) -> Any:
        """Return what the method returns."""
        answer = self.ask(name, *args, **kwargs)
        assert "result" in answer, answer
        return answer["result"]


@contextmanager
def _running(command: Sequence[str]) -> Iterator[Client]:
    with subprocess.Popen(  # noqa: S603 - our own drivers.
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Client(process.stdin, process.stdout)
        process.stdin.close()


def zdesk(url: str, **signing_in: object) -> Any:
    """Run zdesk: `zdesk_email`, and `zdesk_api` or `zdesk_password`; or `zdesk_oauth`."""
    return _python("zdesk", url, signing_in)


def zenpy(url: str, **signing_in: object) -> Any:
    """Run zenpy: `email` and `token`, or `oauth_token`."""
    return _python("zenpy", url, signing_in)


def _python(name: str, url: str, signing_in: object) -> Any:
    python = _INSTALLED / name / "bin" / "python"
    driver = _DRIVERS / f"{name}_driver.py"
    return _running([str(python), str(driver), url, json.dumps(signing_in)])


def node_zendesk(url: str, **signing_in: object) -> Any:
    """Run node-zendesk: `username` and `token`, with `oauth` for Bearer."""
    driver = _DRIVERS / "node_zendesk_driver.js"
    home = _INSTALLED / "node-zendesk"
    return _running(["node", str(driver), url, json.dumps(signing_in), str(home)])
