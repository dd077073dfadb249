"""The whole function, from API Gateway's event to DynamoDB and SSM and back."""

from __future__ import annotations

import itertools
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from functions.invitation_service import app
from invitation_service.access.auth import fetch_from_ssm
from invitation_service.aws import ssm_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs import SQSClient

SAMPLES = Path(__file__).parents[3] / "events" / "api"
_numbers = itertools.count()
CREDENTIAL = {
    "account": "shop",
    "email": "admin@example.com",
    "role": "admin",
    "api_token": "local-api-token",
}
# As in the sample events: Netquest's own example.
WEBHOOK = {
    "account": "shop",
    "id_account": "387487",
    "webhook_key": "TUwNjNDg3M",
    "webhook_auth": "84b750d6956f02503015938fc38bfe36",
}
NPS_SAMPLES = [
    "create_survey",
    "show_survey",
    "create_invitation",
    "list_invitations",
    "show_invitation",
]
WEBHOOK_SAMPLES = ["put_survey", "put_template", "put_respondent", "webhook_get", "webhook_post"]


@pytest.fixture(params=["moto", pytest.param("local_cloud", marks=pytest.mark.local_cloud)])
def function(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's environment, its table and its parameter."""
    # The cloud is shared, so each test has names of its own.
    number = next(_numbers)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("TABLE_NAME", f"invitation-service-{number}")
    monkeypatch.setenv("PARAMETER_PREFIX", f"/afterword/test-{number}")
    # What was made for another test holds another test's clients.
    app._api.cache_clear()
    ssm_provider.cache_clear()
    boto3.DEFAULT_SESSION = None
    if request.param == "moto":
        with mock_aws():
            furnish()
            monkeypatch.setenv("DELIVERY_QUEUE_URL", make_queue(number))
            yield
    else:
        cloud = request.getfixturevalue("local_cloud")
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
        furnish()
        monkeypatch.setenv("DELIVERY_QUEUE_URL", make_queue(number))
        yield
    boto3.DEFAULT_SESSION = None
    app._api.cache_clear()
    ssm_provider.cache_clear()


def make_queue(number: int) -> str:
    client: SQSClient = boto3.client("sqs")
    return client.create_queue(QueueName=f"delivery-{number}")["QueueUrl"]


def parameter() -> str:
    return f"{os.environ['PARAMETER_PREFIX']}/invitation-service/credentials"


def furnish() -> None:
    boto3.client("ssm").put_parameter(
        Name=parameter(), Type="SecureString", Value=json.dumps([CREDENTIAL, WEBHOOK])
    )
    boto3.client("dynamodb").create_table(
        TableName=os.environ["TABLE_NAME"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


def call(sample: str) -> dict[str, Any]:
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    return app.handler(event, LambdaContext())


@pytest.mark.usefixtures("function")
def test_the_sample_events_tell_the_story_of_an_invitation() -> None:
    samples = ["create_survey", "show_survey", "create_invitation", "create_invitation"]
    answers = [call(sample) for sample in [*samples, "list_invitations", "show_invitation"]]

    assert [answer["statusCode"] for answer in answers] == [201, 200, 201, 201, 200, 200]
    _, _, first, again, listed, shown = (json.loads(answer["body"]) for answer in answers)
    assert first == again
    assert listed["invitations"] == [shown["invitation"]]
    assert listed["count"] == 1
    assert shown["invitation"]["recipients_count"] == 2
    assert answers[3]["headers"]["x-idempotency-lookup"] == "hit"


def test_every_sample_event_is_tested() -> None:
    assert {path.stem for path in SAMPLES.iterdir()} == {*NPS_SAMPLES, *WEBHOOK_SAMPLES}


@pytest.mark.usefixtures("function")
def test_the_sample_events_tell_the_story_of_a_webhook() -> None:
    answers = [call(sample) for sample in WEBHOOK_SAMPLES]

    assert [answer["statusCode"] for answer in answers] == [200] * 5
    by_get, by_post = (json.loads(answer["body"]) for answer in answers[3:])
    assert by_get == by_post == {"type": "success", "msg": "Invitation has been scheduled"}
    event = json.loads((SAMPLES / "list_invitations.json").read_text())
    event["rawPath"] = "/api/v2/nps/surveys/419349/invitations"
    assert json.loads(app.handler(event, LambdaContext())["body"])["count"] == 1


@pytest.mark.usefixtures("function")
def test_a_rotated_webhook_key_works_at_once() -> None:
    for sample in ("put_survey", "put_template", "put_respondent"):
        call(sample)
    changed = json.dumps([CREDENTIAL, {**WEBHOOK, "webhook_key": "another-key"}])
    boto3.client("ssm").put_parameter(
        Name=parameter(), Type="SecureString", Value=changed, Overwrite=True
    )
    event = json.loads((SAMPLES / "webhook_get.json").read_text())
    event["rawPath"] = event["rawPath"].replace("TUwNjNDg3M", "another-key")

    assert json.loads(app.handler(event, LambdaContext())["body"])["type"] == "success"
    assert json.loads(call("webhook_get")["body"]) == {"type": "error", "msg": "Unauthorized"}


@pytest.mark.usefixtures("function")
def test_no_level_of_the_log_shows_a_webhooks_path(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the SDK does with an event and its parameters, and whatever is wrong with them."""
    event = json.loads((SAMPLES / "webhook_get.json").read_text())
    wrong = [
        {**event, "rawPath": event["rawPath"] + "-unknown"},
        {**event, "rawPath": event["rawPath"] + "/unknown"},
        {**event, "rawPath": event["rawPath"].replace("387487", "1")},
        {**event, "rawQueryString": ""},
    ]
    with caplog.at_level(logging.DEBUG):
        answers = [call(sample) for sample in WEBHOOK_SAMPLES]
        answers += [app.handler(each, LambdaContext()) for each in wrong]
        monkeypatch.setenv("TABLE_NAME", "no-such-table")
        app._api.cache_clear()
        answers.append(call("webhook_get"))

    assert answers[-1]["statusCode"] == 500
    bodies = [answer["body"] for answer in answers if "respondent" not in answer["body"]]
    shown = caplog.text + "".join([*capsys.readouterr(), *bodies])
    assert "webhook answered" in shown
    for secret in ("TUwNjNDg3M", "84b750d6956f", "81a2B7", "jane", "/webhooks/"):
        assert secret not in shown


@pytest.mark.usefixtures("function")
def test_a_rotated_token_works_at_once() -> None:
    assert call("create_survey")["statusCode"] == 201
    changed = json.dumps([{**CREDENTIAL, "api_token": "another"}])
    boto3.client("ssm").put_parameter(
        Name=parameter(), Type="SecureString", Value=changed, Overwrite=True
    )
    event = json.loads((SAMPLES / "show_survey.json").read_text())
    event["headers"]["authorization"] = "Basic YWRtaW5AZXhhbXBsZS5jb20vdG9rZW46YW5vdGhlcg=="

    assert app.handler(event, LambdaContext())["statusCode"] == 200
    assert call("show_survey")["statusCode"] == 401


@pytest.mark.usefixtures("function")
def test_no_level_of_the_log_shows_personal_data_or_secrets(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda puts the root logger on DEBUG if the template says so."""
    with caplog.at_level(logging.DEBUG):
        for sample in ("create_survey", "create_invitation", "list_invitations"):
            call(sample)

    shown = caplog.text + "".join(capsys.readouterr())
    assert "invitation created" in shown
    for secret in ("jane", "Jane", "local-api-token", "bG9jYWw", "admin@example.com"):
        assert secret not in shown


def test_the_parameter_is_decrypted_cached_and_fetched_past_the_cache() -> None:
    with mock_aws():
        client = boto3.client("ssm", region_name="eu-west-1")
        client.put_parameter(Name="/credentials", Type="SecureString", Value="first")
        fetch = fetch_from_ssm(lambda: provider, "/credentials")
        provider = SSMProvider(boto3_client=client)

        assert fetch(fresh=False) == "first"
        client.put_parameter(
            Name="/credentials", Type="SecureString", Value="second", Overwrite=True
        )
        assert fetch(fresh=False) == "first"
        assert fetch(fresh=True) == "second"
        assert fetch(fresh=False) == "second"
