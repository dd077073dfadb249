"""Schedule: each minute, tell the delivery queue of the invitations that somebody must look after."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.aws import quiet_libraries
from invitation_service.delivering.sweep import sweep
from invitation_service.settings import Settings
from invitation_service.wiring import Wiring, now

logger = Logger()
metrics = Metrics()


@cache
def _parts() -> Wiring:
    quiet_libraries()
    return Wiring(Settings.from_env(os.environ), logger)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Run one sweep by the clock; answer with how many invitations were told of."""
    del event
    parts = _parts()
    count = sweep(
        parts.store, parts.queue, now(), lambda: context.get_remaining_time_in_millis() / 1000
    )
    logger.info("swept", told=count)
    metrics.add_metric(name="InvitationsLookedAfter", unit=MetricUnit.Count, value=count)
    return {"told": count}
