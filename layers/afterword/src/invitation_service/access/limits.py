"""How many calls of the NPS dialect an account may make in a minute.

https://developer.zendesk.com/api-reference/introduction/rate-limits/
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from invitation_service.web.errors import TooManyRequestsError

CALLS_PER_MINUTE = 700
EXPORTS_PER_MINUTE = 10

_MINUTE = 60


class Kind(StrEnum):
    """What is counted apart."""

    CALLS = "calls"
    EXPORTS = "exports"


class Meter(Protocol):
    """Counts what instances that know nothing of each other let through."""

    def count_call(self, account: str, kind: str, minute: datetime) -> int:
        """Count a call, and return how many there were in that minute, this one included.

        Raises:
            StoreBusyError: It may have been counted.
        """
        ...


@dataclass(frozen=True, slots=True)
class Use:
    """What an account has used of a minute.

    Attributes:
        limit: Calls that it may make.
        used: Calls that it has made, refused ones included.
        seconds_left: Until the minute ends, from 1 to 60.
    """

    limit: int
    used: int
    seconds_left: int

    def headers(self) -> dict[str, str]:
        """Return what clients are told: the original's older headers and its newer ones."""
        left = str(max(0, self.limit - self.used))
        return {
            "X-Rate-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": left,
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": left,
            "ratelimit-reset": str(self.seconds_left),
        }

    def refuse_excess(self) -> None:
        """Raise TooManyRequestsError if it is more than the limit."""
        if self.used > self.limit:
            raise TooManyRequestsError(self.seconds_left)


class Limits:
    """Counts calls by minutes of the clock.

    Args:
        meter: Where they are counted.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, meter: Meter, now: Callable[[], datetime]) -> None:
        self._meter = meter
        self._now = now

    def count(self, account: str, kind: Kind, limit: int) -> Use:
        """Count a call; whether it is too many, the answer knows."""
        now = self._now()
        used = self._meter.count_call(account, kind, now.replace(second=0))
        return Use(limit=limit, used=used, seconds_left=_MINUTE - now.second)
