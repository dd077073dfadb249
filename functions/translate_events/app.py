"""SQS trigger: shop events in, invitations remembered, and sent where they are due at once."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from afterword.arrivals import Arrivals, Message
from afterword.settings import TranslateSettings
from afterword.telling.report import reporting
from afterword.wiring import Wiring, clock

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from afterword.reading.shop_events import ShopEvent

logger = Logger()


@cache
def wiring() -> tuple[TranslateSettings, Wiring]:
    """Return settings and parts: made on the first call, kept for the next."""
    settings = TranslateSettings.from_env(os.environ)
    return settings, Wiring(settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take in a batch; answer with the messages that must come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    settings, parts = wiring()
    deadline = clock() + context.get_remaining_time_in_millis() // 1000
    with reporting(logger, parts.notes) as report:

        def translate(events: Sequence[ShopEvent], now: int) -> Counter[str]:
            campaigns = parts.campaigns()
            report.broken(campaigns.broken)
            return parts.translator(campaigns.loaded, deadline).translate(events, now)

        dead_letters = parts.dead_letters(settings.dead_letter_queue_url)
        mapper = partial(parts.mapper, report.broken)
        arrivals = Arrivals(mapper, translate, dead_letters, logger, parts.notes)
        failed, counts = arrivals.take_in([Message.of(each) for each in event["Records"]], clock())
        report.outcomes("translated", counts)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
