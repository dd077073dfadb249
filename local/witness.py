"""What became of a shop event: looked up in ledger, provider and dead-letter queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from afterword.deciding.customer_key import customer_key
from afterword.reading.poison import PoisonError
from afterword.reading.shop_events import Erasure, Purchase, Signup, Unsubscribe, read_shop_event
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.records import BatchState, Key, Occasion, State, customer_ref
from local.deployment import PANEL_SURVEY, SURVEYS, campaign_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from afterword.reading.shop_events import ShopEvent
    from afterword.remembering.records import Batch, Customer, Invitation
    from local.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found.

    Attributes:
        decided: What the pipeline decided, as the ledger has it.
        answered: What the provider says.
    """

    decided: str
    answered: str = ""


class Witness:
    """Looks at a deployment through the pipeline's own code and the provider's API.

    Args:
        deployment: Afterword on a local cloud.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._table = deployment.outputs["LedgerTableName"]
        self._database: DynamoDBClient = deployment.cloud.client("dynamodb")
        self._sqs: SQSClient = deployment.cloud.client("sqs")
        self._ledger = DynamoDbLedger(self._database, self._table)
        self._provider = deployment.provider()
        self._secret = deployment.parameter("secrets/customer-key").encode()

    def look(self, payload: Mapping[str, Any]) -> Seen:
        """Look for what became of an event.

        Args:
            payload: The shop event, or whatever was sent as one.

        Returns:
            What was found; for an event that nobody has sent yet, what is there before it.
        """
        try:
            event = read_shop_event(payload)
        except PoisonError:
            return self._dead_letter(payload)
        invitations = list(self._ledger.read_invitations(self._keys(event)).values())
        seen = self._invitations(invitations)
        if isinstance(event, Unsubscribe | Erasure):
            return Seen("\n".join([seen.decided, self._customer(event)]), seen.answered)
        return seen

    def total(self) -> str:
        """Say how many invitations the provider has in all."""
        return _count(
            sum(self._provider.count(each) for each in (*SURVEYS, PANEL_SURVEY)), "invitation"
        )

    def _keys(self, event: ShopEvent) -> list[Key]:
        if isinstance(event, Unsubscribe | Erasure):
            return self._ledger.invitations_of(self._who(event))
        if isinstance(event, Purchase | Signup):
            named = event.occasion or customer_key(event.customer.email, self._secret)
            kind: str = event.type
        else:
            kind, named = event.stops
        return [Key(Occasion(event.shop, kind, named), campaign) for campaign in campaign_ids()]

    def _who(self, event: Unsubscribe | Erasure) -> str:
        return customer_ref(event.shop, customer_key(event.email, self._secret))

    def _invitations(self, invitations: Iterable[Invitation]) -> Seen:
        decided, answered = [], []
        for invitation in sorted(invitations, key=lambda each: str(each.key)):
            batch = self._ledger.read_batch(invitation.batch) if invitation.batch else None
            decided.append(f"{invitation.key.campaign}: {_standing(invitation, batch)}")
            if batch and batch.provider_id:
                answered.append(self._answer(batch.survey, batch.provider_id))
            elif batch and batch.state is BatchState.SENT:
                # This dialect's answer names no invitation: the newest one is looked at.
                newest = self._provider.invitations(batch.survey, per_page=1)["invitations"]
                answered += [self._answer(batch.survey, each["id"]) for each in newest]
        return Seen("\n".join(decided) or "no invitation", "\n".join(answered))

    def _answer(self, survey: int, invitation: int) -> str:
        shown = self._provider.invitation(survey, invitation)
        recipients = _count(shown["recipients_count"], "recipient")
        return f"invitation {invitation}: {shown['status']}, {recipients}"

    def _customer(self, event: Unsubscribe | Erasure) -> str:
        who = self._who(event)
        customer = self._ledger.read_customers([who]).get(who)
        asked = (
            f"never asked again ({customer.suppressed})"
            if customer and customer.suppressed
            else "may be asked"
        )
        found = event.email in self._whole_ledger() or (customer and _is_personal(customer))
        return f"customer: {asked}, name and address {'known' if found else 'gone'}"

    def _whole_ledger(self) -> str:
        pages = self._database.get_paginator("scan").paginate(TableName=self._table)
        return "\n".join(str(item) for page in pages for item in page["Items"])

    def _dead_letter(self, payload: Mapping[str, Any]) -> Seen:
        for message in self._dead_letters():
            if _inside(message["Body"]) == payload:
                reason = message["MessageAttributes"]["reason"]["StringValue"]
                return Seen(f"dead letter: {reason}")
        return Seen("no dead letter")

    def _dead_letters(self) -> Iterator[MessageTypeDef]:
        url = self._deployment.outputs["DeadLetterQueueUrl"]
        # Seen for a second only, so that they stay where a person would look for them.
        while messages := self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=1,
            MessageAttributeNames=["All"],
        ).get("Messages"):
            yield from messages


def moment(instant: datetime) -> str:
    """Write a time for a reader.

    Args:
        instant: The time, with its zone.

    Returns:
        Such as `21 December 2026, 10:05 UTC`.
    """
    return f"{instant.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def _is_personal(customer: Customer) -> bool:
    known = (customer.email, customer.name, customer.language, customer.zone, customer.token)
    return any(value is not None for value in known)


def _inside(body: str) -> object:
    """Return what the bus has put into a message; None for a message that came another way."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    return envelope.get("detail") if isinstance(envelope, dict) else None


def _standing(invitation: Invitation, batch: Batch | None) -> str:
    if invitation.state is State.PENDING:
        return f"due on {moment(datetime.fromtimestamp(invitation.due, UTC))}"
    if invitation.state is State.CLAIMED and batch:
        return batch.state.value
    return ", ".join(filter(None, (invitation.state.value, invitation.reason)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
