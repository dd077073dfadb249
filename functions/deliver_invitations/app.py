"""SQS trigger of the delivery queue: recipients are prepared, and mailed slice by slice."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.aws import quiet_libraries, ssm_provider
from invitation_service.delivering.accounts import MailAccounts
from invitation_service.delivering.letters import Letters
from invitation_service.delivering.report import Clerk
from invitation_service.delivering.slices import Desk
from invitation_service.delivering.worker import Worker
from invitation_service.mailing.smtp import Mailer
from invitation_service.settings import Settings
from invitation_service.wiring import Wiring, new_id, now

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = Logger()
metrics = Metrics()


@cache
def _worker() -> Worker:
    quiet_libraries()
    settings = Settings.from_env(os.environ)
    parts = Wiring(settings, logger)
    desk = Desk(
        store=parts.store,
        mailer=Mailer(),
        mail_settings=MailAccounts(ssm_provider, settings.mail_parameters, logger),
        letters=Letters(parts.store, parts.make_links()),
        now=now,
        new_claim=new_id,
        logger=logger,
    )
    return Worker(desk, parts.queue)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    """Work off a batch; answer with the messages that must come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    work = partial(
        _worker().work, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000
    )
    failed = Clerk(work, logger, metrics).work_off(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
