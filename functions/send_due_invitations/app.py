"""Schedule: each minute, send what is due, and finish what others had to leave."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from afterword.deciding.clocks import business_now
from afterword.sending.mending import Mender
from afterword.settings import SendDueSettings
from afterword.standing import Standing
from afterword.sweep import Sweep, SweepError
from afterword.telling.report import reporting
from afterword.wiring import PATIENT, Wiring, clock, shuffled

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def wiring() -> tuple[SendDueSettings, Wiring]:
    """Return settings and parts: made on the first call, kept for the next."""
    settings = SendDueSettings.from_env(os.environ)
    return settings, Wiring(settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one sweep by the event's business time; answer with the counts by outcome."""
    settings, parts = wiring()
    now = business_now(event, clock(), allow_time_travel=settings.allow_time_travel)
    deadline = clock() + context.get_remaining_time_in_millis() // 1000
    with reporting(logger, parts.notes) as report:
        campaigns = parts.campaigns()
        report.broken(campaigns.broken)
        by_id = {each.id: each for each in campaigns.loaded}
        sender = parts.sender(campaigns.loaded, deadline, PATIENT)
        mender = Mender(parts.ledger, parts.providers, by_id, clock, deadline, PATIENT)
        sweep = Sweep(parts.ledger, sender, mender, clock, deadline, shuffled)
        counts = sweep.run(campaigns.loaded, now)
        report.outcomes("swept", counts, sweep.became)
        standing = Standing(parts.ledger, parts.providers, campaigns.loaded, sweep.idle)
        gauges = standing.note(parts.notes, now, clock())
    if counts["failed"]:
        raise SweepError("a part of the sweep failed, the rest is done; the log says which part")
    overdue, held = gauges["OverdueInvitations"], gauges["HeldInvitations"]
    return {"now": now, "counts": dict(counts), "overdue": overdue, "held": held}
