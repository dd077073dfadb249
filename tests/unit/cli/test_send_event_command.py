from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from afterword.deciding.mapping_texts import parse_mapping
from afterword.reading.skips import SkippedError
from cli.app import app
from cli.events import command
from cli.places import Place
from local.cloud import ROOT
from tests.support.dead_letters import Queues
from tests.support.desk import Desk
from tests.support.samples import campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result


class Bus:
    """Takes events, or refuses them. moto's needs a package of its own, and is no stricter."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.refuses: str | None = None

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- boto3's name
        if self.refuses:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": self.refuses}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}


class Wire:
    """A bus and the queue."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk = desk
        self.bus = Bus()
        clients = {"sqs": boto3.client("sqs"), "events": self.bus}
        self.queues = Queues(clients["sqs"])
        self.outputs = {**self.queues.outputs, "ShopEventsBusName": "shop-events"}
        place = Place("T", "/afterword/test", clients.__getitem__, self.outputs)
        monkeypatch.setattr(command, "find", lambda *_, **__: place)

    def run(self, *arguments: str, event: Any = None) -> Result:
        text = event if isinstance(event, str) else json.dumps(event)
        return CliRunner().invoke(app, ["send-event", "-", *arguments], input=text)

    def arrived(self) -> list[dict[str, Any]]:
        return [json.loads(each["Body"]) for each in self.queues.taken()]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with mock_aws():
        yield Wire(Desk(monkeypatch, [campaign()]), monkeypatch)


def test_an_event_goes_to_the_bus_as_a_shop_would_send_it(wire: Wire) -> None:
    event = wire.desk.shop.purchase()
    result = wire.run("--yes", event=event)
    assert (result.exit_code, "afterword explain 'A-1'" in result.stdout) == (0, True)
    (entry,) = wire.bus.entries
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
        "shop-events",
        "shop.demo",
        "purchase",
    )
    assert json.loads(entry["Detail"]) == event
    assert wire.arrived() == []


def test_an_event_goes_straight_to_the_queue_and_may_happen_now(wire: Wire) -> None:
    event = wire.desk.shop.purchase() | {"occurred_at": "2020-01-01T00:00:00Z"}
    result = wire.run("--queue", "--now", "--yes", "--json", event=event)
    assert json.loads(result.stdout)["sent_to"] == "the queue"
    assert wire.arrived() == [event | {"occurred_at": "2027-01-15T08:00:00+00:00"}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "refnd"}, "no_known_event"),
        ({"order_id": 7}, "invalid_event: order_id:"),
        ({"occurred_at": "2028-01-01T00:00:00Z"}, "in_the_future"),
    ],
)
def test_what_would_be_a_dead_letter_is_refused_unless_it_is_wanted(
    wire: Wire, changes: dict[str, Any], reason: str
) -> None:
    event = wire.desk.shop.purchase() | changes
    result = wire.run("--yes", event=event)
    assert (result.exit_code, reason in result.stderr) == (1, True)
    assert "@" not in result.stderr
    assert wire.bus.entries == []
    assert wire.run("--as-is", "--yes", event=event).exit_code == 0
    assert len(wire.bus.entries) == 1


def test_a_partners_event_is_read_by_the_mappings_that_are_there(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = (ROOT / "events" / "mappings" / "own-order.json").read_text()
    order = json.loads((ROOT / "events" / "partners" / "own-order.json").read_text())
    assert wire.run("--yes", event=order).exit_code == 1
    parameters: SimpleNamespace = Place("T", "", boto3.client).parameters()  # type: ignore[assignment]  # the desk's
    found = SimpleNamespace(loaded=(parse_mapping("own-order", mapping),))
    monkeypatch.setattr(parameters, "mappings", lambda: found)
    monkeypatch.setattr("cli.events.command.now", lambda: 2**40)
    assert wire.run("--yes", event=order).exit_code == 0
    assert len(wire.bus.entries) == 1


def test_what_a_mapping_passes_over_is_refused(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def pass_over(*_: object) -> None:
        raise SkippedError("no_order")

    monkeypatch.setattr(command, "read", pass_over)
    result = wire.run("--yes", event=wire.desk.shop.purchase())
    assert (result.exit_code, "passes it over: no_order" in result.stderr) == (1, True)


def test_nothing_is_sent_without_a_yes(wire: Wire) -> None:
    assert wire.run(event=wire.desk.shop.purchase()).exit_code == 1
    assert wire.bus.entries == []


def test_what_is_no_object_no_file_or_too_large_is_refused(wire: Wire) -> None:
    for text in ("[]", "no JSON"):
        assert "does not hold a JSON object" in wire.run("--yes", event=text).stderr
    missing = CliRunner().invoke(app, ["send-event", "/nowhere.json", "--yes"])
    assert (missing.exit_code, "can't be read" in missing.stderr) == (1, True)
    large = wire.desk.shop.purchase() | {"more": "x" * 1_048_576}
    assert "more than 1,048,576 bytes" in wire.run("--yes", event=large).stderr


def test_a_stack_of_another_version_is_told(wire: Wire) -> None:
    del wire.outputs["ShopEventsBusName"]
    result = wire.run("--yes", event=wire.desk.shop.purchase())
    assert (result.exit_code, "no output ShopEventsBusName" in result.stderr) == (1, True)


def test_a_refusal_of_the_bus_is_told(wire: Wire) -> None:
    wire.bus.refuses = "ThrottlingException"
    result = wire.run("--yes", event=wire.desk.shop.purchase())
    assert (result.exit_code, "ThrottlingException" in result.stderr) == (1, True)
