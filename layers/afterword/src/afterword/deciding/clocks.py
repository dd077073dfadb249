"""Business now: the time by which a run decides what is due (docs/design.md, "Two clocks")."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Clocks differ by a little; more than this is a mistake, and would send what is not due.
FURTHEST_AHEAD = 300
# EventBridge Scheduler fills this in; a local one hands the very text over:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_PLACEHOLDER = "<aws.scheduler"


class TimeTravelError(Exception):
    """The event asks for a time that is no time, has no zone, or has not come yet."""


def business_now(event: Mapping[str, object], wall: int, *, allow_time_travel: bool) -> int:
    """Return the time that a schedule's event stands for, in Unix seconds.

    Args:
        event: `now` (ISO 8601 with a zone) or the schedule's `scheduled_time`; neither: the wall clock.
        wall: Wall time, Unix seconds.
        allow_time_travel: Whether `now` may lie ahead of the wall clock; only on the local stage.

    Raises:
        TimeTravelError: It names the field.
    """
    field = "now" if "now" in event else "scheduled_time"
    text = event.get(field)
    if text is None or str(text).startswith(_PLACEHOLDER):
        return wall
    try:
        told = datetime.fromisoformat(str(text))
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise TimeTravelError(f"{field}: should be ISO 8601 with a zone, like 2026-12-21T10:00:00Z")
    now = int(told.timestamp())
    if now > wall + FURTHEST_AHEAD and not allow_time_travel:
        raise TimeTravelError(
            f"{field}: lies over {FURTHEST_AHEAD} seconds ahead; AllowTimeTravel is for the local stage"
        )
    return now
