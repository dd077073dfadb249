"""Puts the parts together for a function: real clients, the ledger on DynamoDB, providers out of Parameter Store.

What reaches AWS and providers is imported where it is made, on first use: boto3 and requests would be more than half of
a function's start (docs/cold-start.md).
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from afterword.deciding.campaigns import capped_shops
from afterword.noting import Notes
from afterword.remembering.dead_letters import SqsDeadLetters
from afterword.remembering.errors import ParametersError
from afterword.sending.passage import Pace
from afterword.sending.sender import Sender
from afterword.translate import Translator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

    from afterword.deciding.campaigns import Campaign, CampaignError
    from afterword.reading.reader import Mapper
    from afterword.remembering.dynamodb import DynamoDbLedger
    from afterword.remembering.parameters import BrokenError, Loaded, Parameters
    from afterword.sending.providers import Providers
    from afterword.settings import Settings


def clock() -> int:
    """Return the wall time in Unix seconds."""
    return int(time.time())


def _now() -> float:
    return time.time()


def _wait_until(when: float) -> None:
    time.sleep(max(0.0, when - time.time()))


# A transaction takes 5 to 20 ms, most of them on the way.
_CALLS_AT_ONCE = 4
# The queue's function waits for nobody: what the budget has no room for is sent by the schedule's.
HURRIED = Pace(_now)
PATIENT = Pace(_now, _wait_until)


def _quiet_libraries() -> None:
    # Lambda sets the root logger to the function's log level, and on DEBUG these log whole requests and answers: names,
    # addresses, decrypted secrets.
    for name in ("aws_lambda_powertools", "boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)


class Wiring:
    """A function's parts, made when first needed and kept for the next invocation.

    Args:
        settings: The function's settings.

    Attributes:
        notes: What is noted on the way, until it is told.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.notes = Notes()
        _quiet_libraries()

    @cached_property
    def ledger(self) -> DynamoDbLedger:
        """The ledger."""
        from afterword.remembering.dynamodb import DynamoDbLedger

        # DynamoDB checks each request itself. To check it here as well takes a quarter of what a bulk write costs; the
        # clients of tests do check.
        client: DynamoDBClient = _client("dynamodb", checks=False)
        return DynamoDbLedger(client, self._settings.table_name, at_once=_CALLS_AT_ONCE)

    @cached_property
    def parameters(self) -> Parameters:
        """Parameter Store."""
        from afterword.remembering.parameters import Parameters

        client: SSMClient = _client("ssm")
        prefix = self._settings.parameter_prefix
        return Parameters(client, prefix, allow_http=self._settings.is_local, notes=self.notes)

    @cached_property
    def providers(self) -> Providers:
        """Every account's provider."""
        from afterword.sending.providers import Providers

        return Providers(self.parameters, clock, self.notes)

    def dead_letters(self, queue_url: str) -> SqsDeadLetters:
        """Return the dead-letter queue."""
        return SqsDeadLetters(self._sqs, queue_url)

    @cached_property
    def _sqs(self) -> SQSClient:
        client: SQSClient = _client("sqs")
        return client

    def campaigns(self) -> Loaded[Campaign, CampaignError]:
        """Load the campaigns.

        Raises:
            ParametersError: There is none, so that nobody can tell whom to invite; or SSM did not answer.
        """
        found = self.parameters.campaigns()
        self.notes.known["campaign"] = {each.id for each in found.loaded}
        self.notes.known["account"] = {each.account for each in found.loaded}
        self.notes.measure("CampaignsLoaded", len(found.loaded))
        self.notes.measure("BrokenCampaigns", len(found.broken))
        if not found.loaded:
            missing = f"put one at {self._settings.parameter_prefix}/campaigns/<id>"
            faults = "; ".join(map(str, found.broken)) or missing
            raise ParametersError(f"no campaign loads: {faults}")
        return found

    def mapper(self, tell: Callable[[Sequence[BrokenError]], None]) -> Mapper:
        """Load the mappings, and tell of the broken ones.

        Raises:
            ParametersError: SSM did not answer.
        """
        from afterword.deciding.mappings import Mappings

        mappings = self.parameters.mappings()
        self.notes.measure("BrokenMappings", len(mappings.broken))
        tell(mappings.broken)
        return Mappings(mappings.loaded).read

    def sender(
        self, campaigns: Collection[Campaign], deadline: int, pace: Pace = HURRIED
    ) -> Sender:
        """Return a sender for these campaigns and an invocation that ends at `deadline` (wall time, Unix seconds)."""
        from ulid import ULID

        capped = capped_shops(campaigns)
        return Sender(
            self.ledger, self.providers, clock, lambda: str(ULID()), deadline, pace, capped=capped
        )

    def translator(self, campaigns: Collection[Campaign], deadline: int) -> Translator:
        """Return a translator with these campaigns, for an invocation that ends at `deadline`.

        Raises:
            ParametersError: The customer key is missing; or SSM did not answer.
        """
        secret = self.parameters.customer_secret()
        sender = self.sender(campaigns, deadline)
        return Translator(self.ledger, sender, campaigns, secret, self.notes)


def _client(service: str, *, checks: bool = True) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time.
    import boto3
    from botocore.config import Config

    # Slow enough for a busy table, quick enough to leave time for failing back. Transactions carry a token, so that the
    # SDK's own retries are safe.
    config = Config(
        connect_timeout=2,
        read_timeout=8,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=checks,
        # Its own is put together anew for each call, twice: a tenth of what a small call costs.
        user_agent=f"afterword Boto3/{boto3.__version__}",
    )
    client: Any = boto3.client(service, config=config)
    if not checks:
        from afterword.remembering.dynamodb.plain import write_plainly

        write_plainly(client)
    return client


def shuffled[T](campaigns: Sequence[T]) -> list[T]:
    """Return campaigns in another order each time, so that overlapping runs begin with different ones."""
    import random

    return random.sample(campaigns, len(campaigns))
