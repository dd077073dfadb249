"""Afterword as it is deployed on the local cloud, and what it is given there to work with."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.cloud import LOOPBACK, ROOT
from local.errors import LocalError
from local.provider import Provider
from local.sam import api_url
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_ssm import SSMClient

    from local.cloud import Cloud

CAMPAIGNS = ROOT / "local" / "campaigns"
ACCOUNT = "invitation-service"
# The same service by its other dialect, with the ids of the sample in Netquest's own documentation.
NETQUEST = "netquest"
_ID_ACCOUNT, _TEMPLATE, PANEL_SURVEY = "387487", 1833, 419349
_RESPONDENTS = {
    "81a2B7": {"email": "pavel@example.com", "language": "cs"},
    "92b3C8": {"email": "petra@example.com", "language": "cs", "unsubscribed": True},
}
# The service's account: whose surveys, recipients and mail server these are.
_SERVICE_ACCOUNT = "demo"
_SENDER = {
    "from_name": "The Demo Shop",
    "from_address": "shop@example.com",
    "footer": "The Demo Shop, 1 High Street",
    # Nobody waits for a minute here.
    "mails_per_minute": 60_000,
}
# Known to everybody, like the local cloud's own key: with them the samples in events/api are signed.
_AS_IN_THE_SAMPLES = {"email": "admin@example.com", "api_token": "local-api-token"}
SURVEYS = {1: "After a purchase", 2: "After a signup"}
_SECONDS_TO_TRANSLATE = 60
_WAITING: tuple[QueueAttributeNameType, ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The stack on a local cloud.

    Attributes:
        cloud: The local cloud.
        outputs: The stack's outputs by name.
    """

    cloud: Cloud
    outputs: Mapping[str, str]

    @property
    def service_url(self) -> str:
        """What stands before `/api/v2` in the invitation service's addresses."""
        # The API's own host name has no address on most machines, so it is named in the path.
        return api_url(self.cloud, self.outputs["InvitationServiceApiId"])

    def parameter(self, name: str) -> str:
        """Read a parameter, decrypted.

        Args:
            name: What follows the stage's prefix.

        Returns:
            Its value.
        """
        ssm: SSMClient = self.cloud.client("ssm")
        path = f"{self.outputs['ParameterPrefix']}/{name}"
        return ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"]

    def put_parameter(self, name: str, value: str, *, secret: bool = False) -> None:
        """Write a parameter.

        Args:
            name: What follows the stage's prefix.
            value: Its value.
            secret: Whether it is kept encrypted.
        """
        ssm: SSMClient = self.cloud.client("ssm")
        path = f"{self.outputs['ParameterPrefix']}/{name}"
        ssm.put_parameter(
            Name=path, Value=value, Type="SecureString" if secret else "String", Overwrite=True
        )

    def provider(self) -> Provider:
        """Return the invitation service, signed in as the pipeline is."""
        credentials = json.loads(self.parameter(f"secrets/accounts/{ACCOUNT}"))
        return Provider(self.service_url, credentials["email"], credentials["api_token"])

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Put a shop event on the bus and wait until it has been translated.

        Args:
            event: The shop event.

        Raises:
            LocalError: The bus did not take it, or it stayed in the queue.
        """
        bus: EventBridgeClient = self.cloud.client("events")
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.outputs["ShopEventsBusName"],
            "Source": f"shop.{event.get('shop', 'unknown')}",
            "DetailType": str(event.get("type", "unknown")),
            "Detail": json.dumps(event),
        }
        if bus.put_events(Entries=[entry])["FailedEntryCount"]:
            raise LocalError("The bus did not take the event.", "Is it a JSON object?")
        # The local bus delivers before it answers, so an empty queue means that all is done.
        if not wait_until(self._nothing_waits, seconds=_SECONDS_TO_TRANSLATE):
            raise LocalError(
                "The event is still in the queue: translate_events does not get done with it.",
                f"Its log is in {self.cloud.log}.",
            )

    def send_due(self, now: datetime) -> None:
        """Run send_due_invitations once.

        Args:
            now: Business now; it may lie ahead of the clock.

        Raises:
            LocalError: The function failed.
        """
        functions: LambdaClient = self.cloud.client("lambda")
        answer = functions.invoke(
            FunctionName=self.outputs["SendDueInvitationsFunctionName"],
            Payload=json.dumps({"now": now.isoformat()}).encode(),
        )
        if "FunctionError" in answer:
            raise LocalError("send_due_invitations failed.", f"Its log is in {self.cloud.log}.")

    def logs(self) -> str:
        """Return all that the functions have logged."""
        logs: CloudWatchLogsClient = self.cloud.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=self.outputs["ParameterPrefix"])
        lines = []
        for group in groups["logGroups"]:
            lines.append(f"== {group['logGroupName']}")
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
            lines += [event["message"].rstrip() for page in pages for event in page["events"]]
        return "\n".join([*lines, ""])

    def _nothing_waits(self) -> bool:
        sqs: SQSClient = self.cloud.client("sqs")
        url = self.outputs["ShopEventsQueueUrl"]
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_WAITING)["Attributes"]
        return not any(int(counts[name]) for name in _WAITING)


def furnish(deployment: Deployment) -> None:
    """Put secrets, account and campaigns into SSM, and surveys into the invitation service.

    Args:
        deployment: A deployment to which nothing has been given yet.

    Raises:
        LocalError: The invitation service did not make the surveys that the campaigns name.
    """
    # Made up anew each time: no secret stands in a file.
    credentials = {"email": "afterword@example.com", "api_token": secrets.token_urlsafe(32)}
    webhook = {"webhook_key": secrets.token_hex(16), "webhook_auth": secrets.token_hex(16)}
    known = [
        {"account": _SERVICE_ACCOUNT, "role": "admin", **credentials},
        {"account": _SERVICE_ACCOUNT, "role": "admin", **_AS_IN_THE_SAMPLES},
        {"account": _SERVICE_ACCOUNT, "id_account": _ID_ACCOUNT, "get_allowed": False, **webhook},
    ]
    deployment.put_parameter("secrets/customer-key", secrets.token_urlsafe(32), secret=True)
    deployment.put_parameter(f"secrets/accounts/{ACCOUNT}", json.dumps(credentials), secret=True)
    deployment.put_parameter("invitation-service/credentials", json.dumps(known), secret=True)
    _furnish_mail(deployment)
    # By name, for in a container of `sam local` 127.0.0.1 is the container, and the name this machine as well.
    base_url = deployment.service_url.replace(LOOPBACK, "localhost")
    account = {
        "provider": "nps",
        "base_url": base_url,
        "replays_idempotency_key": True,
    }
    deployment.put_parameter(f"accounts/{ACCOUNT}", json.dumps(account))
    other = {
        "provider": "netquest",
        "base_url": base_url,
        "id_account": _ID_ACCOUNT,
    }
    deployment.put_parameter(f"secrets/accounts/{NETQUEST}", json.dumps(webhook), secret=True)
    deployment.put_parameter(f"accounts/{NETQUEST}", json.dumps(other))
    _create_surveys(deployment.provider())
    _furnish_panel(deployment.provider())
    _name_the_shop(deployment.provider())
    # Last, for from here on events are wanted.
    for file in sorted(CAMPAIGNS.glob("*.json")):
        deployment.put_parameter(f"campaigns/{file.stem}", file.read_text())


def _furnish_mail(deployment: Deployment) -> None:
    keys = json.dumps([secrets.token_urlsafe(32)])
    deployment.put_parameter("invitation-service/link-keys", keys, secret=True)
    if deployment.cloud.mail:
        settings = {**deployment.cloud.mail.settings(), **_SENDER}
        name = f"invitation-service/mail/{_SERVICE_ACCOUNT}"
        deployment.put_parameter(name, json.dumps(settings), secret=True)


def campaign_ids() -> list[str]:
    """Return the ids of the campaigns that `furnish` puts."""
    return sorted(file.stem for file in CAMPAIGNS.glob("*.json"))


def _furnish_panel(provider: Provider) -> None:
    provider.put("surveys", PANEL_SURVEY, {"survey": {"name": "The panel, after a purchase"}})
    template = {"subject": "How was it?", "text": "Tell us: [LINK]"}
    provider.put("templates", _TEMPLATE, {"template": template})
    for token, respondent in _RESPONDENTS.items():
        provider.put("respondents", token, {"respondent": respondent})


def _create_surveys(provider: Provider) -> None:
    made = {provider.create_survey(name) for name in SURVEYS.values()}
    if made != set(SURVEYS):
        raise LocalError(
            f"The invitation service made surveys {sorted(made)}, not {sorted(SURVEYS)}.",
            "Start with an empty local cloud ('make down').",
        )


def _name_the_shop(provider: Provider) -> None:
    # Else it is the survey's name that people are asked to recommend.
    for survey in (*SURVEYS, PANEL_SURVEY):
        provider.change_survey(survey, {"subject": _SENDER["from_name"]})
