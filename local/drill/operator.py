"""The operator, who types the commands of the runbook."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import time_machine
from typer.testing import CliRunner

from local.drill.stack import STAGE
from local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Operator:
    """Types commands.

    Attributes:
        folder: For files.
        typed: All commands so far, without options that only the drill needs.
    """

    folder: Path
    typed: list[str] = field(default_factory=list)

    def types(self, command: str, now: int, told: str | None = None) -> str:
        """Run `afterword` with these words; return what it printed.

        Args:
            command: As the runbook has it, but for the first word.
            now: The time, Unix seconds.
            told: What is typed when it asks.

        Raises:
            LocalError: It failed.
        """
        # As installed: the drill needs the command, and not its code.
        (script,) = entry_points(group="console_scripts", name="afterword")
        self.typed.append(f"afterword {command}".replace(f"{self.folder}/", ""))
        words = [*shlex.split(command), "--stage", STAGE]
        with time_machine.travel(now, tick=False):
            result = CliRunner().invoke(script.load(), words, input=told)
        if result.exit_code:
            raise LocalError(f"'afterword {command}' failed.", result.output.strip())
        return result.stdout

    def file(self, name: str, text: str) -> Path:
        """Write a file; return where it is."""
        path = self.folder / name
        path.write_text(text)
        return path
