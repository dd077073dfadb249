"""The pages through the whole function: links by keys from SSM, answers to DynamoDB."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from functions.invitation_service import app
from invitation_service.answering.links import Links, Who
from invitation_service.aws import ssm_provider
from invitation_service.people.store import NewRecipient
from invitation_service.surveys.dynamodb import DynamoDBStore
from tests.support.invitation_service import ADMIN, CREDENTIALS, event
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/afterword/pages"
OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters!"
NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)
FORM = {"content-type": "application/x-www-form-urlencoded"}


def forget_clients() -> None:
    app._api.cache_clear()
    ssm_provider.cache_clear()
    boto3.DEFAULT_SESSION = None


def put(name: str, value: list[Any]) -> None:
    boto3.client("ssm").put_parameter(
        Name=f"{PREFIX}/invitation-service/{name}",
        Type="SecureString",
        Value=json.dumps(value),
        Overwrite=True,
    )


@pytest.fixture(params=["moto", pytest.param("local_cloud", marks=pytest.mark.local_cloud)])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("PARAMETER_PREFIX", PREFIX)
    forget_clients()
    if request.param == "moto":
        with mock_aws():
            yield furnished(monkeypatch)
    else:
        cloud = request.getfixturevalue("local_cloud")
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
        yield furnished(monkeypatch)
    forget_clients()


def furnished(monkeypatch: pytest.MonkeyPatch) -> str:
    name = make_table(boto3.client("dynamodb"), "InvitationServiceTable")
    monkeypatch.setenv("TABLE_NAME", name)
    monkeypatch.setenv("DELIVERY_QUEUE_URL", "https://sqs.example.com/delivery")
    put("credentials", CREDENTIALS)
    put("link-keys", [OLD])
    return name


class Jane:
    """Somebody who is invited, with links signed by a key."""

    def __init__(self, table: str) -> None:
        self.store = DynamoDBStore(
            lambda: boto3.client("dynamodb"), table, new_id=lambda: "load", pause=lambda _: None
        )
        survey = self.store.add_survey("shop", "Lípa", NOW)
        new = NewRecipient(email="jane@example.com", name="Jane", locale="de", created_at=NOW)
        recipient = self.store.add_recipient("shop", survey.id, new)
        self.who = Who("shop", survey.id, recipient.id)

    def links(self, key: str = OLD) -> Links:
        return Links(lambda: [key], "https://answers.example.com")


def call(method: str, url: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = {"score": "9"} if parts.query else None
    request = event(method, parts.path, body=body, query=query, headers=FORM | headers)
    return app.handler(request, LambdaContext())


def test_an_answer_comes_in_and_shows_in_the_results(table: str) -> None:
    jane = Jane(table)

    asked = call("GET", jane.links().score_url(jane.who, 9))
    sent = call("POST", jane.links().score_url(jane.who), "score=9&comment=Sehr+gut")
    results = call("GET", f"/results/{jane.who.survey_id}", authorization=ADMIN)

    assert (asked["statusCode"], sent["statusCode"], results["statusCode"]) == (200, 303, 200)
    assert '<html lang="de">' in asked["body"]
    assert "Sehr gut" in results["body"]
    assert "+100" in results["body"]


def test_unsubscribing_holds(table: str) -> None:
    jane = Jane(table)

    done = call("POST", jane.links().unsubscribe_url(jane.who), "List-Unsubscribe=One-Click")

    assert done["statusCode"] == 200
    assert jane.store.is_unsubscribed("shop", "jane@example.com")


def test_a_rotated_key_breaks_no_link(table: str) -> None:
    jane = Jane(table)
    assert call("GET", jane.links().score_url(jane.who))["statusCode"] == 200

    put("link-keys", [NEW, OLD])

    assert call("GET", jane.links(NEW).score_url(jane.who))["statusCode"] == 200
    assert call("GET", jane.links(OLD).score_url(jane.who))["statusCode"] == 200
