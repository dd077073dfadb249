"""The operator's day on a local cloud: from a campaign's file to an erasure, by commands alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.dead_letters import queue
from local import kept
from tests.support.functions import purchase
from tests.support.parameters import campaign_text
from tests.support.stack import PREFIX, Stack, documented, operations

if TYPE_CHECKING:
    from pathlib import Path

    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud

EMAIL = "ada@example.com"
ID = "demo#purchase#A-1#after-purchase"


class Desk:
    """Commands, with what they read from stdin."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--local", "--json"], input=stdin)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if result.stdout else None


@pytest.fixture
def desk(local_cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    local_cloud.reset()
    monkeypatch.setattr(kept, "find", lambda: local_cloud)
    monkeypatch.setattr(queue, "WAIT", 0)
    return Desk(Stack(local_cloud, monkeypatch), tmp_path)


def event(order: str = "A-1") -> str:
    """Return a purchase of two minutes ago."""
    known = json.loads(purchase(order, int(time.time()) - 120))
    return json.dumps(known | {"id": f"evt-{order}", "customer": {"email": EMAIL, "name": "Ada"}})


def connect_the_bus(stack: Stack) -> None:
    bus = stack.cloud.client("events")
    bus.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop.demo"]}))
    arn = stack.queues.client.get_queue_attributes(
        QueueUrl=stack.queues.events, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    bus.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])


def test_an_operators_day(desk: Desk) -> None:
    stack = desk.stack
    connect_the_bus(stack)

    # A campaign is checked, tried, compared and put.
    text = campaign_text(mode="live", delay="P1D", contact_cap={"period": "P30D"})
    campaign = desk.file("second.json", text)
    assert CliRunner().invoke(app, ["campaigns", "check", campaign]).exit_code == 0
    events = desk.file("events.jsonl", "\n".join([event("A-1"), event("A-2")]))
    assert desk.run("simulate", events)["counts"] == {"asked": 2}
    tried = desk.run("simulate", events, "--campaigns", str(desk.folder))
    assert [each["campaign"] for each in tried["fates"]] == ["second", "second"]
    assert desk.run("campaigns", "diff", campaign)["second"]["mind"][0].startswith("mode: new")
    assert desk.run("campaigns", "put", campaign, "--yes") == {"versions": {"second": 1}}
    listed = desk.run("campaigns", "list")
    assert [each["campaign"] for each in listed] == ["after-purchase", "second"]

    # A secret is put and rotated; the functions' own reader finds it.
    secret = '{"email": "us@example.com", "api_token": "one"}'
    desk.run("secrets", "put", "accounts/shop", stdin=secret)
    desk.run("secrets", "rotate", "accounts/shop", "--yes", stdin=secret.replace("one", "two"))
    known = stack.cloud.client("ssm").get_parameter(
        Name=f"{PREFIX}/secrets/accounts/shop", WithDecryption=True
    )["Parameter"]
    assert (known["Type"], known["Version"]) == ("SecureString", 2)

    # Events come in by the bus and by the queue.
    desk.run("send-event", "-", "--yes", stdin=event("A-1"))
    desk.run("send-event", "-", "--yes", "--queue", stdin=event("A-2"))
    desk.run("send-event", "-", "--yes", "--queue", "--as-is", stdin='{"no": "event"}')
    assert len(stack.translate()) == 3

    found = desk.run("status", "--exit-code", code=1)
    assert found["dead_letters"] == {"no_known_event": 1}
    lanes = {each["campaign"]: each["pending"] for each in found["campaigns"]}
    assert lanes == {"after-purchase": 2, "second": 2}
    assert found["ways"][0]["calls_per_minute"] == 200

    waiting = desk.run("pending", "--campaign", "after-purchase")
    assert [each["occasion"] for each in waiting["pending"]] == ["A-1", "A-2"]

    # One story, whichever way it is asked for.
    for identity in ("A-1", ID, "evt-A-1", EMAIL):
        stories = desk.run("explain", identity)["invitations"]
        assert ID in {each["id"] for each in stories}
        assert all("It is sent by the first sweep after" in each["next"] for each in stories)

    # What a person ends, by order, by campaign, by customer.
    assert desk.run("cancel", "A-1", "--campaign", "second", "--yes")["ended"] == [
        "demo#purchase#A-1#second"
    ]
    assert desk.run("cancel", "A-1", "--yes")["ended"] == [ID]
    assert len(desk.run("suppress", "-", "--yes", stdin=f"{EMAIL}\n")["ended"]) == 2
    assert desk.run("suppress", EMAIL, "--undo", "--yes")["suppressed"] is False
    desk.run("send-event", "-", "--yes", "--queue", stdin=event("A-3"))
    stack.translate()
    erased = desk.run("erase", EMAIL, "--yes")
    assert (erased["removed"], len(erased["ended"])) == (["email", "name"], 2)
    assert desk.run("pending")["total"] == 0
    told = desk.run("explain", EMAIL)
    assert {each["reason"] for each in told["invitations"]} >= {"cancelled", "erased"}
    assert "@" not in json.dumps(told)


@pytest.mark.parametrize(
    ("commands", "rows"),
    [
        ([["status"]], ["`status`"]),
        ([["explain", "A-1"], ["explain", EMAIL], ["explain", "evt-A-1"]], ["`explain`"]),
        ([["pending"]], ["`pending`"]),
        (
            [["cancel", "A-1", "--yes"], ["suppress", EMAIL, "--yes"], ["erase", EMAIL, "--yes"]],
            ["`explain`", "`cancel`"],
        ),
        ([["send-event", "EVENT", "--yes"]], ["`send-event`"]),
        (
            [["campaigns", "list"], ["campaigns", "put", "CAMPAIGN", "--yes"]],
            ["`campaigns list`"],
        ),
        ([["simulate", "EVENT"]], ["`simulate`"]),
    ],
)
def test_a_command_calls_nothing_that_its_documentation_leaves_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], rows: list[str]
) -> None:
    desk.stack.queues.client.send_message(
        QueueUrl=desk.stack.queues.events, MessageBody=event("A-1")
    )
    desk.stack.queues.put_aside("no JSON")
    desk.stack.translate()
    files = {
        "EVENT": desk.file("event.json", event("A-2")),
        "CAMPAIGN": desk.file("after-purchase.json", campaign_text(survey=2)),
    }
    called = operations(monkeypatch)
    for command in commands:
        arguments = [files.get(each, each) for each in command]
        CliRunner().invoke(app, [*arguments, "--local", "--json"])
    assert called
    assert called - {"cloudformation:DescribeStacks"} <= documented(*rows)


def test_putting_and_rotating_secrets_calls_what_its_documentation_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = operations(monkeypatch)
    for command in ("put", "rotate"):
        desk.run("secrets", command, "accounts/shop", *_yes(command), stdin='{"bearer": "x"}')
    # KMS is asked by Parameter Store.
    assert called - {"cloudformation:DescribeStacks"} <= documented("`secrets put`")


def _yes(command: str) -> list[str]:
    return ["--yes"] if command == "rotate" else []
