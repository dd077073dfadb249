from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from afterword.deciding.campaigns import CampaignError
from afterword.remembering.pauses import EVERYTHING, Pause
from afterword.remembering.records import AccountState, State
from cli.app import app
from cli.places import Place
from cli.status import command, looks
from tests.support.dead_letters import Queues
from tests.support.desk import Desk
from tests.support.samples import DAY, NOW, batch, campaign, invitation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

PREFIX = "/afterword/test"
LOGS = {name: f"{PREFIX}/{name}" for name in ("translate-events", "send-due-invitations")}


class Logs:
    """Log groups whose clock is the shop's: moto refuses lines from the future."""

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {group: [] for group in LOGS.values()}

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        for each in self.groups[request["logGroupName"]]:
            found = request["filterPattern"] in each["message"]
            found = found and each["timestamp"] >= request["startTime"]
            yield {"events": [each] if found else []}


class Screen:
    """A stack that status can look at."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.queues = Queues(boto3.client("sqs"))
        self.logs = Logs()
        self.place = Place("T", PREFIX, self._client, self.queues.outputs)

    def _client(self, service: str) -> Any:
        return self.logs if service == "logs" else boto3.client(service)

    def log(self, function: str, line: str, ago: int = 60) -> None:
        event = {"timestamp": (NOW - ago) * 1000, "message": line}
        self.logs.groups[LOGS[function]].append(event)

    def ran(self, function: str, ago: int = 60, **counts: int) -> None:
        line = {"level": "INFO", "message": "swept", "counts": counts}
        self.log(function, json.dumps(line), ago)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["status", *arguments])

    def document(self) -> Any:
        result = self.run("--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    with mock_aws():
        screen = Screen(Desk(monkeypatch, [campaign()]))
        monkeypatch.setattr(command, "find", lambda *_, **__: screen.place)
        monkeypatch.setattr(looks, "HOLD", 1)
        yield screen


def test_where_all_is_well_nothing_needs_a_person(screen: Screen) -> None:
    screen.ran("send-due-invitations", sent=3)
    screen.desk.shop.translate(screen.desk.shop.purchase())
    result = screen.run("--exit-code")
    assert result.exit_code == 0
    assert "Nothing needs a person." in result.stdout
    assert "send_due_invitations ended last 2027-01-15T07:59:00Z: sent 3" in result.stdout
    assert "translate_events ended last not for 15 minutes" in result.stdout
    found = screen.document()
    (lane,) = found["campaigns"]
    assert (lane["campaign"], lane["mode"], lane["pending"]) == ("after-purchase", "live", 0)
    (way,) = found["ways"]
    assert (way["breaker"], way["sent_today"], way["calls_this_minute"]) == ("closed", 1, 1)
    (call,) = found["batches"]
    assert (call["state"], call["at"], call["provider_id"]) == ("sent", "2027-01-15T08:00:00Z", 1)
    assert "1 of 200 a minute" in result.stdout
    assert "@" not in result.stdout + json.dumps(found)


def test_everything_that_needs_a_person_is_said_with_what_to_type(screen: Screen) -> None:
    ledger = screen.desk.shop.ledger
    screen.queues.put_aside("no JSON", "neither")
    screen.queues.put_undelivered("{}")
    screen.desk.broken = (CampaignError("broken", ("mode: x",)),)
    rows = [
        invitation("A-1", due=NOW - 901),
        invitation("A-2", campaign="gone", state=State.HELD),
    ]
    ledger.create(rows, NOW)
    way = ledger.read_way("shop", 1)
    ledger.swap_way(way, replace(way, account_state=AccountState(failures=3, not_before=NOW + 60)))
    ledger.put_pause(EVERYTHING, Pause(NOW, None, "a drill"))
    found = screen.document()
    assert found["dead_letters"] == {"not_json": 2, "not_delivered": 1}
    assert found["pauses"] == {"all": {"until": "resumed", "reason": "a drill"}}
    assert found["ways"][0]["blocked_by"] == "paused"
    assert found["ways"][0]["until"] == "resumed"
    assert found["needs_a_person"] == [
        "3 in dead letters: see 'dead-letters list'",
        "campaign after-purchase has 1 overdue: see 'pending --campaign after-purchase'",
        "campaign broken is broken, its last good version counts: see 'campaigns list'",
        "campaign gone has 1 held: see 'held list --campaign gone'",
        "account shop: the breaker is open, the provider is down or refuses the secret",
        "send_due_invitations has not ended a run for 15 minutes: look at its log and the schedule",
    ]
    result = screen.run("--exit-code")
    assert result.exit_code == 1
    assert "Paused: all, until resumed (a drill)" in result.stdout
    assert "2 dead letters: not_json" in result.stdout
    assert screen.run().exit_code == 0
    # All letters are still there.
    assert len(screen.queues.ids()) == 3


def test_no_campaign_at_all_and_an_account_that_is_gone_need_a_person(screen: Screen) -> None:
    screen.ran("send-due-invitations")
    screen.desk.accounts = {}
    assert screen.document()["needs_a_person"] == ["account shop: there is no such parameter"]
    screen.desk.shop.campaigns.clear()
    (needs,) = screen.document()["needs_a_person"]
    assert "no campaign loads" in needs


def test_a_pause_that_ended_by_itself_is_history(screen: Screen) -> None:
    screen.desk.shop.ledger.put_pause(EVERYTHING, Pause(NOW - DAY, NOW))
    assert screen.document()["pauses"] == {}


def test_a_log_line_that_is_none_of_a_batch_is_passed_over_and_the_last_one_counts(
    screen: Screen,
) -> None:
    screen.ran("send-due-invitations", ago=1000, sent=9)
    screen.ran("send-due-invitations", ago=120, sent=1)
    screen.ran("send-due-invitations", ago=60, sent=2)
    for line in ("counts", '["counts"]', '{"counts": 3}', '{"message": "counts"}'):
        screen.log("send-due-invitations", line, ago=30)
    functions = {each["function"]: each for each in screen.document()["functions"]}
    assert functions["send_due_invitations"]["counts"] == {"sent": 2}
    assert functions["translate_events"]["at"] is None


def test_a_function_that_never_ran_has_no_log(screen: Screen) -> None:
    screen.logs.groups.clear()
    assert {each["at"] for each in screen.document()["functions"]} == {None}


def test_the_age_of_the_oldest_message_is_the_newest_datapoint(screen: Screen) -> None:
    name = screen.queues.events.rpartition("/")[2]
    for ago, age in ((300, 9), (120, 77), (30 * 60, 500)):
        boto3.client("cloudwatch").put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": name}],
                    "Timestamp": datetime.fromtimestamp(NOW - ago, UTC),
                    "Value": age,
                }
            ],
        )
    ages = {each["queue"]: each["oldest_seconds"] for each in screen.document()["queues"]}
    assert ages == {"shop events": 77, "dead letters": None}


def test_counting_stops_where_it_would_take_long(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.status.rows.MOST_COUNTED", 2)
    screen.desk.shop.ledger.create([invitation(f"A-{n}", due=NOW) for n in range(3)], NOW)
    (lane,) = screen.document()["campaigns"]
    assert (lane["pending"], lane["overdue"]) == ("2+", 0)


def test_a_call_that_is_not_made_yet_is_told_by_when_it_was_opened(screen: Screen) -> None:
    screen.desk.shop.ledger.open_batch(batch("B1"), [])
    (call,) = screen.document()["batches"]
    assert (call["state"], call["at"]) == ("claiming", "2027-01-15T08:00:00Z")
    assert "Last calls, until they are verified" in screen.run().stdout
