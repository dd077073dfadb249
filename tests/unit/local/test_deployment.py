from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invitation_service.mailing.settings import read_mail_settings
from local import deployment as deployments
from local.cloud import Cloud
from local.deployment import Deployment, campaign_ids, furnish
from local.errors import LocalError
from local.mail import MailServer
from local.provider import Provider
from local.samples import EVENTS

OUTPUTS = {
    "ParameterPrefix": "/afterword/local",
    "InvitationServiceApiId": "a1b2",
    "ShopEventsBusName": "bus",
    "ShopEventsQueueUrl": "http://127.0.0.1:1/queue",
}
DEPLOYMENT = Deployment(Cloud("http://127.0.0.1:1", 1, Path("home"), Path("log")), OUTPUTS)


class Aws:
    """SSM, the bus and the queue in one: what the deployment's tests need of them."""

    def __init__(self) -> None:
        self.parameters: dict[str, tuple[str, str]] = {}
        self.refused, self.waiting = 0, 0
        self.entries: list[dict[str, str]] = []

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803 - boto3's.
        assert Overwrite
        self.parameters[Name] = (Type, Value)

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, dict[str, str]]:  # noqa: N803
        assert WithDecryption
        return {"Parameter": {"Value": self.parameters[Name][1]}}

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, int]:  # noqa: N803
        self.entries += Entries
        return {"FailedEntryCount": self.refused}

    def get_queue_attributes(self, **_: object) -> dict[str, dict[str, str]]:
        return {"Attributes": dict.fromkeys(deployments._WAITING, str(self.waiting))}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    made = Aws()
    monkeypatch.setattr(Cloud, "client", lambda *_: made)
    return made


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids that the invitation service will give."""
    ids = [2, 1]
    monkeypatch.setattr(Provider, "create_survey", lambda *_: ids.pop())
    monkeypatch.setattr(Provider, "put", lambda *_: None)
    monkeypatch.setattr(Provider, "change_survey", lambda *_: None)
    return ids


@pytest.mark.usefixtures("surveys")
def test_secrets_are_kept_encrypted_and_everything_else_is_not(aws: Aws) -> None:
    furnish(DEPLOYMENT)
    prefix = "/afterword/local"
    assert {name: kind for name, (kind, _) in aws.parameters.items()} == {
        f"{prefix}/secrets/customer-key": "SecureString",
        f"{prefix}/secrets/accounts/invitation-service": "SecureString",
        f"{prefix}/secrets/accounts/netquest": "SecureString",
        f"{prefix}/invitation-service/credentials": "SecureString",
        f"{prefix}/invitation-service/link-keys": "SecureString",
        f"{prefix}/accounts/invitation-service": "String",
        f"{prefix}/accounts/netquest": "String",
        **{f"{prefix}/campaigns/{campaign}": "String" for campaign in campaign_ids()},
    }


@pytest.mark.usefixtures("surveys")
def test_the_account_is_the_invitation_service_on_this_machine(aws: Aws) -> None:
    furnish(DEPLOYMENT)
    account = json.loads(aws.parameters["/afterword/local/accounts/invitation-service"][1])
    assert account["base_url"] == "http://localhost:1/_aws/execute-api/a1b2"


@pytest.mark.usefixtures("surveys")
def test_mails_go_to_the_server_of_this_machine(aws: Aws) -> None:
    server = MailServer(2525, 1, Path("mail"))
    furnish(replace(DEPLOYMENT, cloud=replace(DEPLOYMENT.cloud, mail=server)))

    kind, text = aws.parameters["/afterword/local/invitation-service/mail/demo"]
    assert kind == "SecureString"
    settings = read_mail_settings(text)
    assert (settings.host, settings.port, settings.security) == ("127.0.0.1", 2525, "none")


@pytest.mark.usefixtures("surveys")
def test_both_dialects_are_signed_in_with_what_the_service_knows(aws: Aws) -> None:
    furnish(DEPLOYMENT)

    def read(name: str) -> Any:
        return json.loads(aws.parameters[f"/afterword/local/{name}"][1])

    admin, _, webhook = read("invitation-service/credentials")
    assert read("secrets/accounts/invitation-service").items() <= admin.items()
    assert read("secrets/accounts/netquest").items() <= webhook.items()
    assert read("accounts/netquest")["id_account"] == webhook["id_account"]


def test_each_deployment_has_secrets_of_its_own(aws: Aws, surveys: list[int]) -> None:
    seen = []
    for _ in range(2):
        surveys[:] = [2, 1]
        furnish(DEPLOYMENT)
        seen.append(aws.parameters["/afterword/local/secrets/customer-key"][1])
    assert seen[0] != seen[1]
    assert min(map(len, seen)) >= 32


def test_other_surveys_than_the_campaigns_name_are_an_error(surveys: list[int]) -> None:
    surveys[:] = [4, 3]
    with pytest.raises(LocalError, match=r"made surveys \[3, 4\], not \[1, 2\]"):
        furnish(DEPLOYMENT)


@pytest.mark.usefixtures("surveys")
def test_people_are_asked_to_recommend_the_shop_and_not_the_survey(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed: dict[int, Any] = {}
    monkeypatch.setattr(
        Provider, "change_survey", lambda _, survey, changes: changed.update({survey: changes})
    )
    furnish(DEPLOYMENT)
    assert changed == {survey: {"subject": "The Demo Shop"} for survey in (1, 2, 419349)}


def test_an_event_goes_to_the_bus_as_a_shops(aws: Aws) -> None:
    event: dict[str, Any] = {"type": "purchase", "shop": "demo", "customer": {"name": "Zoë"}}
    DEPLOYMENT.put_event(event)
    (entry,) = aws.entries
    assert json.loads(entry.pop("Detail")) == event
    assert entry == {"EventBusName": "bus", "Source": "shop.demo", "DetailType": "purchase"}


def test_an_event_that_the_bus_refuses_is_an_error(aws: Aws) -> None:
    aws.refused = 1
    with pytest.raises(LocalError, match="did not take the event"):
        DEPLOYMENT.put_event({})


def test_an_event_that_stays_in_the_queue_is_an_error(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "_SECONDS_TO_TRANSLATE", 0)
    aws.waiting = 1
    with pytest.raises(LocalError, match="still in the queue"):
        DEPLOYMENT.put_event({})


@pytest.mark.usefixtures("surveys")
def test_the_service_knows_who_signed_the_samples(aws: Aws) -> None:
    furnish(DEPLOYMENT)
    entries = json.loads(aws.parameters["/afterword/local/invitation-service/credentials"][1])
    known = {f"{each['email']}/token:{each['api_token']}" for each in entries if "email" in each}
    files = sorted((EVENTS / "api").glob("*survey*.json"))
    assert files
    for file in files:
        signed = json.loads(file.read_text())["headers"]["authorization"].removeprefix("Basic ")
        assert b64decode(signed).decode() in known
