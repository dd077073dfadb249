"""SQS trigger: shop events in, invitations remembered, and sent where they are due at once."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.data_classes import SQSEvent, event_source

from afterword.arrivals import Arrivals, Message
from afterword.settings import TranslateSettings
from afterword.telling.report import report, report_broken
from afterword.translate import Translator
from afterword.wiring import Wiring, clock

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from afterword.reading.shop_events import ShopEvent

logger = Logger()
metrics = Metrics()


@cache
def wiring() -> tuple[TranslateSettings, Wiring]:
    """Return settings and parts: made on the first call, kept for the next."""
    settings = TranslateSettings.from_env(os.environ)
    return settings, Wiring(settings)


@logger.inject_lambda_context
@metrics.log_metrics
@event_source(data_class=SQSEvent)
def handler(event: SQSEvent, context: LambdaContext) -> PartialItemFailureResponse:
    """Take in a batch; answer with the messages that must come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    settings, parts = wiring()
    deadline = clock() + context.get_remaining_time_in_millis() // 1000

    def translate(events: Sequence[ShopEvent], now: int) -> Counter[str]:
        campaigns = parts.campaigns()
        report_broken(logger, metrics, campaigns.broken)
        secret = parts.parameters.customer_secret()
        sender = parts.sender(deadline)
        return Translator(parts.ledger, sender, campaigns.loaded, secret).translate(events, now)

    dead_letters = parts.dead_letters(settings.dead_letter_queue_url)
    messages = [
        Message(each.message_id, each.body, each.event_source_arn, each.attributes.sent_timestamp)
        for each in event.records
    ]
    failed, counts = Arrivals(translate, dead_letters, logger).take_in(messages, clock())
    report(logger, metrics, "translated", counts)
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
