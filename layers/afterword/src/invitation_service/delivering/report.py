"""Works off a batch of the delivery queue; one log line and a few metrics for each message."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from invitation_service.delivering.messages import BrokenMessageError, Message, read_message

METRICS = {
    "delivered": "MailsDelivered",
    "failed": "MailsFailed",
    "later": "MailsLater",
    "uncertain": "MailsUncertain",
    "suppressed": "MailsSuppressed",
    "account_fault": "MailAccountFaults",
}
# Of which those that failed are a share. What nobody sent, or will send later, has not ended.
_ENDED = ("delivered", "failed", "uncertain")


class Clerk:
    """Hands messages to a worker, and tells what became of them.

    Args:
        work: Does what a message asks for; returns what became of how many mails.
        logger: Gets accounts, ids, counts and types of errors; never an address.
        metrics: Flushed by the handler's decorator.
    """

    def __init__(
        self, work: Callable[[Message], Counter[str]], logger: Logger, metrics: Metrics
    ) -> None:
        self._work = work
        self._logger = logger
        self._metrics = metrics

    def work_off(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Work off a batch.

        Args:
            records: SQS's records: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html

        Returns:
            The ids of those that must come again; after some times they are dead letters.
        """
        failed = [each["messageId"] for each in records if not self._is_done(each["body"])]
        self._metrics.add_metric(name="DeliveryMessages", unit=MetricUnit.Count, value=len(records))
        return failed

    def _is_done(self, body: str) -> bool:
        try:
            message = read_message(body)
            self._report(message, self._work(message))
        except BrokenMessageError as error:
            self._logger.error("broken message", fault=str(error))  # noqa: TRY400 - no text of others.
            return False
        except Exception as error:  # noqa: BLE001 - the others of the batch go on.
            # No text: an exception's may hold an address.
            self._logger.error("message not done", error_type=type(error).__name__)  # noqa: TRY400
            return False
        return True

    def _report(self, message: Message, counts: Counter[str]) -> None:
        self._logger.info(
            "looked after" if message.first is None else "slice mailed",
            account=message.account,
            survey=message.survey,
            invitation=message.invitation,
            counts=dict(sorted(counts.items())),
        )
        for outcome, name in METRICS.items():
            if counts[outcome]:
                self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=counts[outcome])
        if ended := sum(counts[outcome] for outcome in _ENDED):
            self._metrics.add_metric(name="MailsEnded", unit=MetricUnit.Count, value=ended)
