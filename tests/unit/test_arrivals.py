from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger

from afterword.arrivals import Arrivals, Message
from afterword.reading.reader import unmapped
from afterword.reading.shop_events import read_shop_event
from afterword.reading.skips import SkippedError
from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterword.reading.envelopes import Envelope
    from afterword.reading.reader import Mapper
    from afterword.reading.shop_events import ShopEvent
    from afterword.remembering.dead_letters import DeadLetter

ADDRESS = "jana@example.com"
SECRET = "hush-hush"


class Letters:
    """Dead letters; those in `lost` can't be kept."""

    def __init__(self) -> None:
        self.kept: list[DeadLetter] = []
        self.lost: set[str] = set()

    def put(self, letters: Sequence[DeadLetter]) -> set[str]:
        self.kept += [each for each in letters if each.message_id not in self.lost]
        return {each.message_id for each in letters} & self.lost


class Door:
    """Arrivals whose translation does as planned: an order in `faults` raises."""

    def __init__(self, **faults: Exception) -> None:
        self.faults = faults
        self.calls: list[list[str]] = []
        self.letters = Letters()
        self.mapper: Mapper = unmapped
        self.unloadable: ParametersError | None = None
        self._log = StringIO()
        self.logger = Logger(service=f"arrivals-{uuid4().hex}", stream=self._log, level="DEBUG")

    def take_in(self, *messages: Message) -> tuple[list[str], Counter[str]]:
        return Arrivals(self._load, self._translate, self.letters, self.logger).take_in(
            messages, NOW
        )

    def _load(self) -> Mapper:
        if self.unloadable:
            raise self.unloadable
        return self.mapper

    def _translate(self, events: Sequence[ShopEvent], now: int) -> Counter[str]:
        assert now == NOW
        orders = [str(getattr(event, "order_id", "?")) for event in events]
        self.calls.append(orders)
        for order in orders:
            if order in self.faults:
                raise self.faults[order]
        return Counter(sent=len(events))

    def log(self) -> str:
        return self._log.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines()]


def message(order: str, *, ago: int = 0, **changes: Any) -> Message:
    occurred = datetime.fromtimestamp(NOW - ago, UTC).isoformat()
    event = {
        "type": "purchase",
        "version": 1,
        "id": f"E-{order}",
        "shop": "demo",
        "occurred_at": occurred,
        "order_id": order,
        "customer": {"email": ADDRESS, "name": "Jana"},
    }
    return Message(f"m-{order}", json.dumps(event | changes), "arn:queue", "1793527200500")


def poison(name: str = "P", body: str = f"no JSON of {ADDRESS}, {SECRET}") -> Message:
    return Message(f"m-{name}", body, "arn:queue", "1793527200500")


def test_readable_messages_are_translated_together() -> None:
    door = Door()
    assert door.take_in(message("A"), message("B")) == ([], Counter(sent=2))
    assert door.calls == [["A", "B"]]
    assert door.letters.kept == []
    assert door.lines() == []


def test_an_empty_batch_is_nothing() -> None:
    door = Door()
    assert door.take_in() == ([], Counter())
    assert door.calls == []


def test_poison_becomes_a_dead_letter_with_its_reason_and_the_others_go_on() -> None:
    door = Door()
    failed, counts = door.take_in(message("A"), poison(), message("B"))
    assert (failed, counts) == ([], Counter({"sent": 2, "dead_letter.not_json": 1}))
    assert door.calls == [["A", "B"]]
    (letter,) = door.letters.kept
    assert (letter.message_id, letter.queue, letter.sent_at) == (
        "m-P",
        "arn:queue",
        "1793527200500",
    )
    assert letter.body == poison().body
    assert letter.reason == "not_json"
    assert letter.detail


def test_a_message_that_came_back_stays_counted_when_it_is_poison_again() -> None:
    told = {"redrives": {"stringValue": "2", "dataType": "String"}}
    record = {
        "messageId": "m-P",
        "body": "no JSON",
        "eventSourceARN": "arn:queue",
        "attributes": {"SentTimestamp": "1793527200500"},
    }
    door = Door()
    door.take_in(Message.of(record | {"messageAttributes": told}))
    door.take_in(Message.of(record | {"messageAttributes": {}}))
    assert [each.redrives for each in door.letters.kept] == ["2", ""]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (poison(), "not_json"),
        (message("P", type="newsletter"), "no_known_event"),
        (message("P", version=2), "unknown_version"),
        (message("P", customer={"email": "nobody"}), "invalid_event"),
        (message("P", ago=-301), "in_the_future"),
    ],
)
def test_each_kind_of_poison_has_its_reason(bad: Message, reason: str) -> None:
    door = Door()
    failed, counts = door.take_in(bad)
    assert (failed, counts) == ([], Counter({f"dead_letter.{reason}": 1}))
    assert [each.reason for each in door.letters.kept] == [reason]
    (line,) = door.lines()
    assert (line["level"], line["message_id"], line["reason"]) == ("WARNING", "m-P", reason)
    assert line["fault"] == door.letters.kept[0].detail


def map_orders(envelope: Envelope) -> ShopEvent | None:
    """Know orders by their number, and pass over those of tests."""
    order = envelope.payload.get("order")
    if order == "T":
        raise SkippedError("test_event")
    return None if order is None else read_shop_event(json.loads(message(str(order)).body))


def test_a_mapped_message_is_translated_with_the_others_and_a_skipped_one_is_counted() -> None:
    door = Door()
    door.mapper = map_orders
    orders = [Message(f"m-{order}", json.dumps({"order": order}), "q", "0") for order in "ATTB"]
    failed, counts = door.take_in(*orders, message("C"), poison())
    assert failed == []
    assert counts == Counter({"sent": 3, "skipped.test_event": 2, "dead_letter.not_json": 1})
    assert door.calls == [["A", "B", "C"]]
    assert [each.message_id for each in door.letters.kept] == ["m-P"]


def test_without_the_mappings_all_comes_again_and_nothing_is_a_dead_letter() -> None:
    """What looks like poison may be what a mapping is for."""

    def fail(_: Envelope) -> ShopEvent | None:
        raise AssertionError("nothing is read")

    door = Door()
    door.mapper = fail
    door.unloadable = ParametersError("/afterword/test/mappings: ThrottlingException")
    assert door.take_in(message("A"), poison()) == (["m-A", "m-P"], Counter(failed=2))
    assert (door.calls, door.letters.kept) == ([], [])
    (line,) = door.lines()
    assert line["fault"] == str(door.unloadable)


def test_a_clock_that_is_a_little_ahead_is_no_poison() -> None:
    assert Door().take_in(message("A", ago=-300)) == ([], Counter(sent=1))


def test_a_dead_letter_that_can_not_be_kept_comes_again() -> None:
    door = Door()
    door.letters.lost = {"m-P"}
    failed, counts = door.take_in(message("A"), poison("P"), poison("Q"))
    assert failed == ["m-P"]
    assert counts == Counter({"sent": 1, "dead_letter.not_json": 2, "failed": 1})
    assert [each.message_id for each in door.letters.kept] == ["m-Q"]


@pytest.mark.parametrize(
    "error", [LedgerError("the ledger failed to write: X"), ParametersError("no campaign loads")]
)
def test_without_ledger_or_parameters_all_that_is_readable_comes_again(error: Exception) -> None:
    door = Door(B=error)
    failed, counts = door.take_in(message("A"), poison(), message("B"), message("C"))
    assert failed == ["m-A", "m-B", "m-C"]
    assert counts == Counter({"dead_letter.not_json": 1, "failed": 3})
    assert [each.message_id for each in door.letters.kept] == ["m-P"]
    # The next event would fare no better: nobody tries it alone.
    assert door.calls == [["A", "B", "C"]]
    assert door.lines()[-1]["fault"] == str(error)


def test_an_unexpected_fault_with_one_event_costs_that_one_alone() -> None:
    door = Door(**{"A-5": RuntimeError(f"about {ADDRESS}")})
    failed, counts = door.take_in(*(message(f"A-{number}") for number in range(8)))
    assert failed == ["m-A-5"]
    assert counts == Counter(sent=7, failed=1)
    assert door.calls == [
        [f"A-{number}" for number in range(8)],
        ["A-0", "A-1", "A-2", "A-3"],
        ["A-4", "A-5", "A-6", "A-7"],
        ["A-4", "A-5"],
        ["A-4"],
        ["A-5"],
        ["A-6", "A-7"],
    ]


def test_two_faulty_events_cost_two() -> None:
    door = Door(A=KeyError(ADDRESS), C=ValueError(ADDRESS))
    failed, counts = door.take_in(*(message(order) for order in "ABC"))
    assert failed == ["m-A", "m-C"]
    assert counts == Counter(sent=1, failed=2)


def test_an_outage_while_halving_gives_back_only_what_it_met() -> None:
    door = Door(A=RuntimeError(), D=LedgerError("down"))
    failed, counts = door.take_in(*(message(order) for order in "ABCD"))
    assert failed == ["m-A", "m-C", "m-D"]
    assert counts == Counter(sent=1, failed=3)


def test_an_unexpected_fault_is_told_by_its_kind_and_place() -> None:
    door = Door(A=RuntimeError(f"about {ADDRESS}"))
    door.take_in(message("A"))
    (line,) = door.lines()
    assert (line["level"], line["fault"]) == ("ERROR", "RuntimeError")
    name, number = line["at"].split(":")
    assert name == "test_arrivals.py"
    assert int(number) > 0


@pytest.mark.parametrize(
    "bad",
    [
        poison(),
        poison(body=""),
        poison(body=json.dumps([ADDRESS, SECRET])),
        message("P", type=ADDRESS),
        message("P", version=SECRET),
        message("P", shop=None, note=SECRET),
        message("P", order_id=[ADDRESS]),
        message("P", customer={"email": f"{ADDRESS} or {SECRET}"}),
        message("P", customer={"email": ADDRESS, "name": [SECRET]}),
        message("P", labels={ADDRESS: {SECRET: 1}}),
        message("P", labels=[SECRET]),
        message("P", amount=SECRET),
        message("P", ago=-900),
    ],
)
def test_no_log_line_and_no_explanation_holds_anything_of_a_body(bad: Message) -> None:
    door = Door(A=RuntimeError(f"{ADDRESS} {SECRET}"))
    failed, _ = door.take_in(message("A"), bad)
    assert failed == ["m-A"]
    assert len(door.lines()) == 2
    (letter,) = door.letters.kept
    told = f"{door.log()} {letter.reason} {letter.detail} {letter!r}"
    assert not [word for word in (ADDRESS, SECRET, "Jana") if word in told]


def test_nobody_sees_a_body_by_looking_at_a_message() -> None:
    assert repr(poison()) == "Message(m-P)"


def test_a_body_with_a_lone_surrogate_is_a_dead_letter_like_any_other() -> None:
    record = {
        "messageId": "m-1",
        "body": "\ud800",
        "eventSourceARN": "queue",
        "attributes": {"SentTimestamp": "0"},
    }
    assert Message.of(record).body == "\\ud800"
