"""The operator's commands end to end: a stack's outputs, real queues, the ledger's table, translate_events itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from afterword.remembering.pauses import EVERYTHING
from afterword.remembering.records import BatchState, Claim, State
from cli.app import app
from cli.dead_letters import queue
from local import kept
from tests.support.functions import purchase
from tests.support.samples import NOW, batch, customer, invitation, key
from tests.support.stack import Stack, documented, operations

if TYPE_CHECKING:
    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud

LETTERS = 230


@pytest.fixture
def stack(local_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    local_cloud.reset()
    monkeypatch.setattr(kept, "find", lambda: local_cloud)
    monkeypatch.setattr(queue, "WAIT", 0)
    return Stack(local_cloud, monkeypatch)


def test_dead_letters_are_listed_and_all_come_back_once(stack: Stack) -> None:
    at = int(time.time()) - 60
    stack.queues.put_aside(*(purchase(f"A-{number}", at) for number in range(LETTERS)))
    stack.queues.put_undelivered(purchase("B-1", at))
    stack.queues.put_failed(purchase("B-2", at))
    for _ in range(2):
        code, found = stack.run("dead-letters", "list")
        reasons = {"not_json": LETTERS, "not_delivered": 1, "received_too_often": 1}
        assert (code, found["total"], found["reasons"]) == (0, LETTERS + 2, reasons)
    assert stack.run("dead-letters", "redrive", "--all", "--yes")[1]["sent"] == LETTERS + 2
    assert stack.run("dead-letters", "list")[1]["total"] == 0
    assert len(stack.translate()) == LETTERS + 2
    waiting = {str(each) for each in stack.ledger.waiting("after-purchase", 2 * NOW)}
    assert len(waiting) == LETTERS + 2


def test_a_redrive_that_was_killed_before_it_deleted_changes_nothing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.queues.put_aside(purchase("A-1", int(time.time()) - 60))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("afterword.remembering.dead_letter_queue.Look.delete", killed)
        arguments = ["dead-letters", "redrive", "--all", "--yes", "--local"]
        assert CliRunner().invoke(app, arguments).exit_code == 130
    assert stack.run("dead-letters", "redrive", "--all", "--yes")[1]["sent"] == 1
    assert len(stack.translate()) == 2
    assert len(list(stack.ledger.waiting("after-purchase", 2 * NOW))) == 1


def test_what_became_of_letters_is_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = purchase("A-1", int(time.time()) - 60), "no JSON"
    stack.queues.put_aside(good, bad)
    ids = stack.queues.ids()
    waiting = "cli.dead_letters.command.wait_until_taken"
    monkeypatch.setattr(waiting, lambda *_: bool(stack.translate()))
    code, done = stack.run("dead-letters", "redrive", "--all", "--wait", "--yes")
    assert (code, done["sent"]) == (1, 2)
    assert done["letters"] == {
        ids[good]: "after-purchase: pending",
        ids[bad]: "dead again: not_json",
    }
    again = stack.queues.ids()[bad]
    code, letter = stack.run("dead-letters", "show", again)
    assert (letter["reason"], letter["redrives"]) == ("not_json", 1)


def test_what_is_held_is_listed_and_resolved(stack: Stack) -> None:
    ledger = stack.ledger
    ledger.remember_customers([customer(f"v1:A-{n}") for n in (1, 2, 3)], NOW)
    ledger.create([invitation("A-1", state=State.HELD, reason="no_address")], NOW)
    ledger.create([invitation("A-2"), invitation("A-3")], NOW)
    opened = batch("B1", size=2)
    ledger.open_batch(opened, [key("A-2"), key("A-3")])
    ledger.claim(opened, [Claim(invitation("A-2")), Claim(invitation("A-3"))], NOW)
    stuck = batch("B1", size=2, due=NOW, state=BatchState.HELD, reason="killed_in_call")
    assert ledger.change_batch(opened, stuck)

    code, found = stack.run("held", "list", "--show-customer")
    assert (code, found["total"]) == (0, 3)
    assert {each["email"] for row in found["held"] for each in row["members"]} == {
        f"a-{number}@example.com" for number in (1, 2, 3)
    }
    assert stack.run("held", "resolve", str(key("A-1")), "--as", "sent", "--yes")[0] == 0
    code, done = stack.run("held", "resolve", "B1", "--as", "drop", "--yes")
    assert (code, done) == (0, {"resolved": 2})
    assert stack.run("held", "list")[1]["total"] == 0
    rows = ledger.read_invitations([key(f"A-{number}") for number in (1, 2, 3)])
    assert [rows[key(f"A-{n}")].reason for n in (1, 2, 3)] == [
        "sent_by_operator",
        "dropped_by_operator",
        "dropped_by_operator",
    ]
    people = ledger.read_customers([f"v1:A-{number}" for number in (1, 2)])
    assert people["v1:A-1"].last_at
    assert people["v1:A-2"].last_at is None
    code, done = stack.run("held", "resolve", "B1", "--as", "sent", "--yes")
    assert (code, done) == (
        0,
        {"resolved": 0, "not_held": ["B1 (released, dropped_by_operator)"]},
    )


def test_a_pause_is_kept_and_lifted(stack: Stack) -> None:
    code, found = stack.run("pause", "--campaign", "after-purchase", "--reason", "x", "--yes")
    assert (code, found["pauses"][0]["paused"]) == (0, "campaign:after-purchase")
    assert stack.ledger.read_way("shop", 1).pauses["campaign:after-purchase"].reason == "x"
    assert stack.run("resume", "--campaign", "after-purchase", "--yes") == (0, {"pauses": []})


def test_a_restored_ledger_is_paused_and_held_in_bulk(stack: Stack) -> None:
    at = int(time.time()) - 7200
    many = [invitation(f"A-{number}", due=at + number) for number in range(1_100)]
    stack.ledger.create([*many, invitation("later", due=at + 10**6)], NOW)
    point = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    table = ("--table", stack.table)
    code, dry = stack.run("restore", "--restored-to", point, "--dry-run", *table)
    assert (code, dry["held"], stack.ledger.pauses()) == (0, 1_100, {})
    code, done = stack.run("restore", "--restored-to", point, "--yes", *table)
    assert (code, done["held"]) == (0, 1_100)
    assert EVERYTHING in stack.ledger.pauses()
    assert stack.run("restore", "--restored-to", point, "--yes", *table)[1]["held"] == 0
    assert stack.ledger.count_held("after-purchase", 5000) == 1_100
    code, done = stack.run(
        "held", "resolve", "--all", "--reason", "restored", "--as", "sent", "--yes"
    )
    assert (code, done) == (0, {"resolved": 1_100})
    assert list(stack.ledger.waiting("after-purchase", 2 * NOW)) == [key("later")]


@pytest.mark.parametrize(
    ("commands", "rows"),
    [
        ([["held", "list", "--show-customer"], ["held", "show", "B1"]], ["held list"]),
        (
            [["held", "resolve", "B1", "--as", "drop", "--yes"]],
            ["held list", "held resolve"],
        ),
        (
            [["restore", "--restored-to", "2026-01-01T00:00:00Z", "--yes"]],
            ["held list", "held resolve"],
        ),
        (
            [["pause", "--campaign", "after-purchase", "--yes"], ["resume", "--all", "--yes"]],
            ["resume"],
        ),
        ([["dead-letters", "list"]], ["dead-letters list"]),
        (
            [["dead-letters", "redrive", "--all", "--yes"]],
            ["dead-letters list", "dead-letters redrive"],
        ),
        (
            [["dead-letters", "redrive", "--all", "--wait", "--wait-seconds", "0", "--yes"]],
            ["dead-letters list", "dead-letters redrive", "--wait"],
        ),
    ],
)
def test_a_command_calls_nothing_that_its_documentation_leaves_out(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], rows: list[str]
) -> None:
    stack.ledger.create([invitation("A-2"), invitation("A-1", due=NOW - 10**8)], NOW)
    opened = batch("B1", due=NOW, state=BatchState.HELD)
    stack.ledger.open_batch(opened, [key("A-2")])
    stack.ledger.claim(opened, [Claim(invitation("A-2"))], NOW)
    stack.queues.put_aside(purchase("A-1", int(time.time())), "no JSON")
    called = operations(monkeypatch)
    for command in commands:
        stack.run(*command)
    assert called - {"cloudformation:DescribeStacks"} <= documented(*rows)
