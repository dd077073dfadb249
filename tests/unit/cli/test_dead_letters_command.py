from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import click
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from afterword.deciding.customer_key import customer_key
from afterword.operating.becoming import trace
from afterword.reading.reader import unmapped
from afterword.reading.skips import SkippedError
from afterword.remembering.records import BatchState, Customer, Leaving, State, customer_ref
from cli import places
from cli.app import app
from cli.dead_letters import command, queue, waiting
from cli.places import Place
from tests.support.dead_letters import Queues
from tests.support.functions import purchase
from tests.support.parameters import KEY, PREFIX, Store
from tests.support.samples import NOW, batch, campaign, invitation, key
from tests.support.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

BODY = '{"email": "jana@example.com", no JSON'


class Desk(Queues):
    def __init__(self) -> None:
        super().__init__(boto3.client("sqs"))
        Store(boto3.client("ssm")).put_secret("customer-key", KEY)
        self.shop = Shop([campaign()])
        self.place = Place("T", PREFIX, boto3.client, self.outputs)

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, ["dead-letters", *arguments], input=answer)

    def document(self, *arguments: str, code: int = 0) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout)

    def bodies(self) -> list[str]:
        return sorted(self.ids())


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with mock_aws():
        desk = Desk()
        monkeypatch.setattr(places, "find_place", lambda *_: desk.place)
        monkeypatch.setattr(Place, "ledger", lambda _: desk.shop.ledger)
        monkeypatch.setattr(queue, "WAIT", 0)
        yield desk


def test_letters_are_listed_by_reason_and_stay(desk: Desk) -> None:
    desk.put_aside(BODY, "x")
    desk.put_failed("{}")
    for _ in range(2):
        found = desk.document("list")
        assert (found["total"], found["reasons"]) == (3, {"not_json": 2, "received_too_often": 1})
    first = next(each for each in found["letters"] if each["message_id"] == "m-0")
    assert {name: first[name] for name in ("reason", "detail", "since", "from", "redrives")} == {
        "reason": "not_json",
        "detail": "expected value",
        "since": "2026-11-01T10:00:00Z",
        "from": "afterword-shop-events",
        "redrives": 0,
    }
    assert (first["receives"], first["bytes"]) == (2, len(BODY))
    assert "jana" not in json.dumps(found)


def test_the_table_explains_each_reason_and_shows_no_body(desk: Desk) -> None:
    desk.put_aside(BODY)
    shown = desk.run("list").stdout
    assert "The body is no JSON." in shown
    assert "1 dead letters." in shown
    assert "jana" not in shown


def test_a_list_can_be_cut_and_chosen_by_reason(desk: Desk) -> None:
    desk.put_aside(*(f"body {number}" for number in range(5)))
    desk.put_failed("{}")
    found = desk.document("list", "--limit", "2")
    assert (found["total"], len(found["letters"])) == (6, 2)
    assert desk.document("list", "--reason", "received_too_often")["total"] == 1
    assert desk.run("list", "--reason", "other").stdout == "0 dead letters.\n"


def test_a_long_list_shows_how_far_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.progress._EVERY", 10)
    desk.put_aside(*(f"body {number}" for number in range(25)))
    lines = desk.run("list").stderr.splitlines()
    assert lines == ["10 dead letters …", "20 dead letters …"]


def test_one_letter_is_explained_and_its_body_shown_to_who_asks(desk: Desk) -> None:
    desk.put_aside(BODY)
    ((body, identity),) = desk.ids().items()
    shown = desk.run("show", identity).stdout
    assert "means: The body is no JSON." in shown
    assert "then: Edit it" in shown
    assert "jana" not in shown
    assert body in desk.run("show", identity, "--body").stdout
    assert desk.document("show", identity, "--body")["body"] == BODY
    missing = desk.run("show", "another")
    assert (missing.exit_code, "There is no letter another." in missing.stderr) == (1, True)


def test_all_letters_go_back(desk: Desk) -> None:
    desk.put_aside("a", "b")
    result = desk.run("redrive", "--all", "--yes", "--rate", "1000")
    assert (result.exit_code, result.stdout) == (0, "2 sent back.\n")
    assert desk.bodies() == []
    assert sorted(each["Body"] for each in desk.taken()) == ["a", "b"]


def test_letters_with_a_reason_go_back(desk: Desk) -> None:
    desk.put_aside("a")
    desk.put_aside("b", reason="in_the_future")
    assert desk.document("redrive", "--reason", "in_the_future", "--yes")["sent"] == 1
    assert desk.bodies() == ["a"]


def test_a_letter_is_mended_from_a_file_and_goes_back(desk: Desk, tmp_path: Path) -> None:
    desk.put_aside("a", "b")
    mended = tmp_path / "mended.json"
    mended.write_text('{"mended": true}')
    result = desk.run("redrive", desk.ids()["a"], "--body", str(mended), "--yes")
    assert (result.exit_code, result.stdout) == (0, "1 sent back.\n")
    assert [each["Body"] for each in desk.taken()] == ['{"mended": true}']
    assert desk.bodies() == ["b"]


@pytest.mark.parametrize("text", [None, "  \n"])
def test_what_was_not_edited_is_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    desk.put_aside("a")
    monkeypatch.setattr(click, "edit", lambda *_, **__: text)
    result = desk.run("redrive", desk.ids()["a"], "--edit", "--yes")
    assert result.exit_code == 1
    assert desk.bodies() == ["a"]
    assert desk.taken() == []


def test_a_letter_is_edited_and_goes_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put_aside("a")
    monkeypatch.setattr(click, "edit", lambda text, **_: text + "!")
    assert desk.run("redrive", desk.ids()["a"], "--edit", "--yes").exit_code == 0
    assert [each["Body"] for each in desk.taken()] == ["a!"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name an id, --all or --reason."),
        (["x", "--all"], "Name an id, --all or --reason."),
        (["--all", "--edit"], "go with one id"),
        (["none"], "There is no letter none."),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, arguments: list[str], told: str) -> None:
    desk.put_aside("a")
    result = desk.run("redrive", *arguments, "--yes")
    assert (result.exit_code, told in result.stderr) == (1, True)
    assert desk.bodies() == ["a"]


def test_a_file_that_is_not_there_sends_nothing(desk: Desk) -> None:
    desk.put_aside("a")
    result = desk.run("redrive", desk.ids()["a"], "--body", "/none", "--yes")
    assert (result.exit_code, "FileNotFoundError" in result.stderr) == (1, True)


def test_nothing_goes_back_without_a_yes(desk: Desk) -> None:
    desk.put_aside("a")
    for arguments in (["--all"], [desk.ids()["a"]]):
        assert desk.run("redrive", *arguments, answer="n\n").exit_code == 1
    assert desk.bodies() == ["a"]


def test_a_stack_without_queues_is_told(desk: Desk) -> None:
    desk.place = Place("T", PREFIX, boto3.client, {})
    result = desk.run("list")
    assert (result.exit_code, "no output DeadLetterQueueUrl" in result.stderr) == (1, True)


def event(kind: str, **fields: Any) -> str:
    known = {"type": kind, "version": 1, "id": "E", "shop": "demo"}
    return json.dumps(known | {"occurred_at": "2026-11-01T10:00:00Z"} | fields)


def test_what_became_of_them_is_looked_up_in_the_ledger(desk: Desk) -> None:
    ledger = desk.shop.ledger
    at = int(time.time()) - 60
    ledger.create(
        [
            invitation("A-1", state=State.CLAIMED, batch="B1"),
            invitation("A-2", state=State.ENDED, reason="expired"),
            invitation("A-2", campaign="other"),
        ],
        NOW,
    )
    ledger.open_batch(batch("B1", state=BatchState.SENT), [key("A-1")])
    desk.shop.translate(desk.shop.event("cancellation", order_id="A-1"))
    who = customer_ref("demo", customer_key("jana@example.com", KEY.encode()))
    ledger.suppress([Leaving(who, "unsubscribed", NOW)])
    ledger.remember_customers([Customer("demo#other", email="x@example.com")], NOW)
    bodies = {
        purchase("A-1", at): "after-purchase: sent",
        purchase("A-2", at): "after-purchase: ended: expired; other: pending",
        purchase("A-9", at): "nothing in the ledger: no campaign wants it, or not yet",
        event("cancellation", order_id="A-1"): "cancelled",
        event("refund", order_id="A-7"): "nothing in the ledger: no campaign wants it, or not yet",
        event("unsubscribe", email="jana@example.com"): "unsubscribed",
        event("erasure", email="p@example.com"): (
            "nothing in the ledger: no campaign wants it, or not yet"
        ),
        "no JSON": "still not readable: not_json",
    }
    desk.put_aside(*bodies)
    ids = desk.ids()
    done = desk.document("redrive", "--all", "--wait", "--wait-seconds", "0", "--yes")
    assert (done["sent"], done["queue_is_empty"]) == (8, False)
    assert done["letters"] == {ids[body]: told for body, told in bodies.items()}
    assert done["outcomes"]["unsubscribed"] == 1


def test_who_is_dead_again_is_told_with_the_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put_aside("a")
    ((_, identity),) = desk.ids().items()

    def translated(*_: object) -> bool:
        desk.taken()
        desk.put_aside("a", reason="in_the_future", redrives="1")
        return True

    monkeypatch.setattr(command, "wait_until_taken", translated)
    done = desk.document("redrive", "--all", "--wait", "--yes", code=1)
    assert done["letters"] == {identity: "dead again: in_the_future"}
    shown = desk.run("redrive", "--all", "--wait", "--yes")
    assert shown.stdout == "1 sent back.\n  1 dead again: in_the_future\n"


def test_an_event_that_its_mapping_passes_over_is_told() -> None:
    def skip(_: object) -> None:
        raise SkippedError("test_mode")

    assert trace("{}", NOW, skip, b"") == "skipped: test_mode"
    assert trace("{}", NOW, unmapped, b"") == "still not readable: no_known_event"


def test_waiting_ends_when_the_queue_is_empty_or_the_time_is_over() -> None:
    left = iter([3, 1, 0])
    paused: list[float] = []
    empties: Any = SimpleNamespace(waiting=lambda: next(left))
    assert waiting.wait_until_taken(empties, 60, lambda: 0.0, paused.append)
    assert paused == [2, 2]
    times = iter([0.0, 59.0, 60.0])
    stuck: Any = SimpleNamespace(waiting=lambda: 1)
    assert not waiting.wait_until_taken(stuck, 60, lambda: next(times), paused.append)
