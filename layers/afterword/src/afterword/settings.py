"""What the environment tells a function: one frozen object each, read once, on the first call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_STAGE = "local"


class SettingsError(Exception):
    """Environment variables are missing. Names all of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What both functions need."""

    stage: str
    table_name: str
    parameter_prefix: str

    @property
    def is_local(self) -> bool:
        """Tell whether this is the laptop's stage."""
        return self.stage == LOCAL_STAGE


@dataclass(frozen=True, slots=True)
class TranslateSettings(Settings):
    """The settings of `translate_events`."""

    dead_letter_queue_url: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the environment. Raises SettingsError."""
        return cls(
            *_read(environ, "STAGE", "TABLE_NAME", "PARAMETER_PREFIX", "DEAD_LETTER_QUEUE_URL")
        )


@dataclass(frozen=True, slots=True)
class SendDueSettings(Settings):
    """The settings of `send_due_invitations`."""

    allow_time_travel: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the environment. Raises SettingsError."""
        *known, travel = _read(
            environ, "STAGE", "TABLE_NAME", "PARAMETER_PREFIX", "ALLOW_TIME_TRAVEL"
        )
        stage, table, prefix = known
        return cls(stage, table, prefix, allow_time_travel=travel == "true")


def _read(environ: Mapping[str, str], *names: str) -> list[str]:
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise SettingsError(f"set in the function's environment: {', '.join(missing)}")
    return [environ[name] for name in names]
