"""Real parts for all of the service's functions; made on first use."""

import time
from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from ulid import ULID

from invitation_service.access.auth import Credentials, fetch_from_ssm
from invitation_service.answering.keys import LinkKeys
from invitation_service.answering.links import Links
from invitation_service.aws import dynamodb_client, sqs_client, ssm_provider
from invitation_service.delivering.sqs import SqsQueue
from invitation_service.settings import Settings
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.writes import pause_with_jitter


class Wiring:
    """A function's parts.

    Args:
        settings: Where everything is.
        logger: Told, by type alone, what can't be used.

    Attributes:
        store: The service's table.
        queue: The delivery queue.
        keys: What links are signed with.
    """

    def __init__(self, settings: Settings, logger: Logger) -> None:
        self._settings = settings
        self._logger = logger
        self.store = DynamoDBStore(
            dynamodb_client, settings.table_name, new_id=new_id, pause=pause_with_jitter
        )
        self.queue = SqsQueue(sqs_client, settings.delivery_queue_url)
        self.keys = LinkKeys(
            fetch_from_ssm(ssm_provider, settings.link_keys_parameter), time.monotonic, logger
        )

    def credentials(self) -> Credentials:
        """Return who may call."""
        fetch = fetch_from_ssm(ssm_provider, self._settings.credentials_parameter)
        return Credentials(fetch, time.monotonic, self._logger)

    def read_links(self) -> Links:
        """Return what reads links; it makes none, that is the mailing function's."""
        return Links(self.keys, "", self.keys.newer)

    def make_links(self) -> Links:
        """Return what makes links for mails."""
        return Links(self.keys, self._settings.links_url)


def new_id() -> str:
    """Return an id that no other call gets."""
    return str(ULID())


def now() -> datetime:
    """Return the time of day in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
