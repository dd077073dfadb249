"""Every file in events/ is what Lambda would hand over, or what is inside of it: no sample goes stale unnoticed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model, SqsModel

from afterword.deciding.clocks import business_now
from invitation_service.delivering.messages import read_message
from invitation_service.delivering.records import Job
from local.samples import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

# What is checked elsewhere: shop events, partners' events and mappings have tests of their own beside their readers.
ELSEWHERE = {"", "partners", "mappings"}


def files(folder: str) -> list[Path]:
    return sorted((EVENTS / folder).glob("*.json"))


def load(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


def test_there_is_no_sample_that_nothing_checks() -> None:
    folders = {str(file.parent.relative_to(EVENTS)) for file in EVENTS.rglob("*.json")}
    assert {folder.removeprefix(".") for folder in folders} == {
        "sqs",
        "api",
        "deliveries",
    } | ELSEWHERE


@pytest.mark.parametrize("file", files("sqs") + files("deliveries"), ids=lambda file: file.stem)
def test_a_batch_is_one_of_sqs(file: Path) -> None:
    assert SqsModel.model_validate(load(file)).Records


@pytest.mark.parametrize("file", files("deliveries"), ids=lambda file: file.stem)
def test_a_delivery_is_of_an_invitation(file: Path) -> None:
    for record in load(file)["Records"]:
        assert read_message(record["body"]).job == Job("demo", 1, 1)


@pytest.mark.parametrize("file", files("api"), ids=lambda file: file.stem)
def test_a_request_is_one_of_an_http_api(file: Path) -> None:
    request = APIGatewayProxyEventV2Model.model_validate(load(file))
    assert request.rawPath == request.requestContext.http.path


def test_the_schedules_event_tells_its_time() -> None:
    event = load(EVENTS / "schedule.json")
    assert business_now(event, 1_800_000_000, allow_time_travel=False) == 1793527260
