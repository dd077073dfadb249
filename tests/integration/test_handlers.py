"""Both functions on the local cloud's DynamoDB, SQS and SSM: the same story as in moto's process, told shorter."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.support.functions import Stage, metrics_of, purchase, sqs_event
from tests.support.parameters import campaign_text

if TYPE_CHECKING:
    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def stage(local_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stage:
    local_cloud.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_cloud.endpoint_url)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Stage(monkeypatch)


def test_a_purchase_waits_until_its_day_and_is_decided_on_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text(delay="P30D"))
    now = int(time.time())
    body = purchase("A-1", now)
    translate = stage.function("translate_events")
    assert translate(sqs_event(body, "no JSON", body)) == {"batchItemFailures": []}
    assert [row["state"]["S"] for row in stage.rows("O#")] == ["pending"]
    assert [letter["Body"] for letter in stage.letters()] == ["no JSON"]
    stage.set(ALLOW_TIME_TRAVEL="true")
    send_due = stage.function("send_due_invitations")
    assert send_due({})["counts"] == {}
    capsys.readouterr()
    then = datetime.fromtimestamp(now + 31 * 86_400, UTC).isoformat()
    assert send_due({"now": then})["counts"] == {"ended.dry_run": 1}
    (row,) = stage.rows("O#")
    assert (row["state"]["S"], row["reason"]["S"]) == ("ended", "dry_run")
    assert "lane" not in row
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["OverdueInvitations"] == 0


def test_a_table_that_is_gone_gives_the_batch_back(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    stage.set(TABLE_NAME="there-is-none")
    event = sqs_event(purchase("A-1", int(time.time())))
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}]
    }
