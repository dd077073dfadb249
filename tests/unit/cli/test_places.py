from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.errors import CommandError
from cli.places import Place, aws_client, find_place, local_clients
from local import kept
from local.cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stacks:
    """CloudFormation, with the stacks that a test gives it."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(
        self, outputs: Mapping[str, Mapping[str, str]], fault: str = "ValidationError"
    ) -> None:
        self._outputs = outputs
        self._fault = fault

    def __call__(self, service: str) -> Any:
        assert service == "cloudformation"
        return self

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name.
        outputs = self._outputs.get(StackName)
        if outputs is None:
            raise ClientError({"Error": {"Code": self._fault}}, "DescribeStacks")
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"StackName": StackName, "Outputs": listed} if listed else {}]}


def outputs(stage: str) -> dict[str, str]:
    return {"LedgerTableName": f"ledger-{stage}", "ParameterPrefix": f"/afterword/{stage}"}


@pytest.mark.parametrize(
    ("stage", "stack", "name"),
    [
        ("prod", None, "afterword"),
        ("test", None, "afterword-test"),
        ("test", "another", "another"),
    ],
)
def test_a_stage_is_found_by_its_stack(stage: str, stack: str | None, name: str) -> None:
    clients = Stacks({name: outputs(stage)})
    place = find_place(clients, stage, stack, None)
    assert place == Place(f"ledger-{stage}", f"/afterword/{stage}", clients)


def test_a_stage_is_found_by_its_table_without_its_stack() -> None:
    clients = Stacks({}, fault="AccessDenied")
    assert find_place(clients, "test", None, "T") == Place("T", "/afterword/test", clients)


def test_a_missing_stack_is_named_with_its_region() -> None:
    with pytest.raises(CommandError, match=r"no stack afterword-test in eu-west-1\. Name the"):
        find_place(Stacks({}), "test", None, None)


@pytest.mark.parametrize(
    "found", [outputs("other"), {}, {"ParameterPrefix": "/afterword/test"}], ids=str
)
def test_another_stack_is_not_taken_for_the_stage(found: dict[str, str]) -> None:
    """Else its customers would be written under keys that nobody ever looks up."""
    with pytest.raises(CommandError, match="The stack mine is not Afterword's stage test"):
        find_place(Stacks({"mine": found}), "test", "mine", None)


def test_any_other_fault_stays_what_it_is() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        find_place(Stacks({}, fault="AccessDenied"), "test", None, None)


def test_a_client_goes_where_boto3_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert aws_client("ssm").meta.region_name == "eu-north-1"


def test_the_local_cloud_is_reached_with_made_up_credentials_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = Cloud("http://127.0.0.1:1", 4711, Path("home"), Path("log"))
    monkeypatch.setattr(kept, "find", lambda: cloud)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        os.environ[name] = "production"
    client = local_clients()("ssm")
    credentials = client._request_signer._credentials
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert (credentials.access_key, credentials.token) == ("test", None)
    assert "production" not in os.environ.values()


def test_without_a_local_cloud_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "find", lambda: None)
    with pytest.raises(CommandError, match=r"No local cloud is running\. Start one with 'make up'"):
        local_clients()
