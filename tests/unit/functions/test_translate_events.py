from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from afterword.settings import SettingsError
from tests.support.functions import (
    QUEUE_ARN,
    Context,
    load,
    metric_lines,
    metrics_of,
    purchase,
    sqs_event,
)
from tests.support.parameters import KEY, campaign_text

if TYPE_CHECKING:
    from tests.support.functions import Stage

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "events" / "sqs"
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def sample(name: str) -> Any:
    """A sample event, as if it had just happened."""
    text = (SAMPLES / f"{name}.json").read_text()
    today = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.loads(text.replace("2026-11-01T10:00:00Z", today))


def invitations(stage: Stage) -> list[tuple[str, str, str | None]]:
    return sorted(
        (row["pk"]["S"], row["state"]["S"], row.get("reason", {}).get("S"))
        for row in stage.rows("O#")
    )


@pytest.mark.parametrize("name", ["eventbridge", "raw"])
def test_a_purchase_becomes_a_row_however_it_arrives(stage: Stage, name: str) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    translate = stage.function("translate_events")
    assert translate(sample(name)) == NOTHING_FAILED
    assert translate(sample(name)) == NOTHING_FAILED
    assert invitations(stage) == [("O#demo#purchase#A-1001", "ended", "dry_run")]
    assert stage.letters() == []


def test_what_is_not_due_yet_waits_in_its_lane(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="P30D"))
    now = int(time.time())
    assert stage.function("translate_events")(sqs_event(purchase("A-1", now))) == NOTHING_FAILED
    (row,) = stage.rows("O#")
    assert (row["state"]["S"], int(row["due"]["N"])) == ("pending", now + 30 * 86_400)
    assert row["lane"]["S"].startswith("after-purchase#")


def test_poison_goes_to_the_dead_letters_and_the_others_go_on(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    assert stage.function("translate_events")(sample("mixed")) == NOTHING_FAILED
    assert [pk for pk, _, _ in invitations(stage)] == ["O#demo#purchase#A-1001"]
    letters = {letter["Body"]: letter["MessageAttributes"] for letter in stage.letters()}
    assert {each["reason"]["StringValue"] for each in letters.values()} == {
        "not_json",
        "no_known_event",
    }
    about = letters["no JSON at all"]
    assert about["message_id"]["StringValue"] == "059f36b4-87a3-44ab-83d2-661975830a05"
    assert about["queue"]["StringValue"].startswith("arn:aws:sqs:")
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["DeadLetters"] == 2


def test_a_batch_is_told_of_and_no_line_shows_a_person(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    stage.store.put("campaigns/broken", campaign_text(survey="jana@example.com"))
    now = int(time.time())
    bodies = [purchase("A-1", now), purchase("A-1", now), "jana@example.com"]
    stage.function("translate_events")(sqs_event(*bodies))
    printed = capsys.readouterr().out
    metrics = metrics_of(printed)
    for line in metric_lines(printed):
        assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Afterword"
        assert line["service"] == os.environ["POWERTOOLS_SERVICE_NAME"]
    assert (metrics["EventsReceived"], metrics["Duplicates"], metrics["BrokenCampaigns"]) == (
        2,
        1,
        1,
    )
    assert "campaign broken: survey" in printed
    assert "jana" not in printed.lower()


def test_no_library_shows_a_person_or_a_secret_whatever_the_log_level(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = ["aws_lambda_powertools", "boto3", "botocore", "urllib3"]
    for name in libraries:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    stage.store.put("campaigns/after-purchase", campaign_text(delay="P1D"))
    translate = stage.function("translate_events")
    # As Lambda does it: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    caplog.set_level(logging.DEBUG)
    translate(sqs_event(purchase("A-1", int(time.time()))))
    assert len(stage.rows("C#")) == 1
    assert not [word for word in ("jana", KEY) if word in caplog.text.lower()]


def test_without_any_campaign_the_batch_comes_again_and_poison_still_goes(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    now = int(time.time())
    event = sqs_event(purchase("A-1", now), "no JSON", purchase("A-2", now))
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-2"}]
    }
    assert [each["Body"] for each in stage.letters()] == ["no JSON"]
    assert stage.rows("O#") == []
    printed = capsys.readouterr().out
    assert "put one at /afterword/test/campaigns/<id>" in printed
    assert metrics_of(printed)["RecordsFailed"] == 2


def test_where_no_campaign_is_any_good_it_is_told_what_is_wrong_with_them(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/one", campaign_text(survey="jana@example.com"))
    stage.store.put("campaigns/two", "{")
    event = sqs_event(purchase("A-1", int(time.time())))
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}]
    }
    printed = capsys.readouterr().out
    assert "no campaign loads: campaign one: survey: " in printed
    assert "; campaign two: not JSON" in printed
    assert "jana" not in printed


def test_without_the_customer_key_the_batch_comes_again(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    stage.store.put_secret("customer-key", "short")
    event = sqs_event(purchase("A-1", int(time.time())))
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}]
    }
    assert stage.rows("") == []


def test_without_its_table_the_batch_comes_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    stage.set(TABLE_NAME="there-is-none")
    event = sqs_event(purchase("A-1", int(time.time())))
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}]
    }
    assert "the ledger failed to write: ResourceNotFoundException" in capsys.readouterr().out


def test_a_dead_letter_queue_that_is_gone_loses_no_message(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    boto3.client("sqs").delete_queue(QueueUrl=stage.dead_letters)
    event = sqs_event(purchase("A-1", int(time.time())), "no JSON")
    assert stage.function("translate_events")(event) == {
        "batchItemFailures": [{"itemIdentifier": "m-1"}]
    }
    assert len(stage.rows("O#")) == 1


def test_parts_are_made_once_for_all_invocations(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    translate = stage.function("translate_events")
    made: list[str] = []
    make = boto3.client

    def note(service: str, **options: Any) -> Any:
        made.append(service)
        return make(service, **options)

    monkeypatch.setattr(boto3, "client", note)
    for order in ("A-1", "A-2", "A-3"):
        translate(sqs_event(purchase(order, int(time.time())), "no JSON"))
    assert sorted(made) == ["dynamodb", "sqs", "ssm"]


# powertools says so beside the error that ended the call.
@pytest.mark.filterwarnings("ignore:No application metrics to publish:UserWarning")
def test_what_the_environment_lacks_is_named_by_the_first_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    del stage
    for name in ("TABLE_NAME", "DEAD_LETTER_QUEUE_URL"):
        monkeypatch.delenv(name)
    app = load("translate_events")
    with pytest.raises(SettingsError, match=r"environment: TABLE_NAME, DEAD_LETTER_QUEUE_URL$"):
        app.handler(sqs_event("no JSON"), Context())


@pytest.mark.parametrize("name", ["translate_events", "send_due_invitations"])
def test_an_import_needs_no_environment_and_makes_no_client(name: str) -> None:
    script = f"""
import boto3

def refuse(*args, **options):
    raise AssertionError("a client was made")

boto3.client = boto3.resource = boto3.Session = boto3.session.Session = refuse
import functions.{name}.app
"""
    done = subprocess.run(  # noqa: S603 -- our own interpreter and text
        [sys.executable, "-W", "error", "-c", script],
        env={},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_queue_of_a_dead_letter_is_where_it_came_from(stage: Stage) -> None:
    stage.function("translate_events")(sqs_event("no JSON"))
    (letter,) = stage.letters()
    attributes = letter["MessageAttributes"]
    assert attributes["queue"]["StringValue"] == QUEUE_ARN
    assert attributes["sent_at"]["StringValue"] == "1793527200500"
