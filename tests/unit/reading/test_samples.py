"""The samples in events/ are what docs/events.md says of them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from afterword.reading.envelopes import open_envelope
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.shop_events import EVENT_TYPES

EVENTS = Path(__file__).parents[3] / "events"
SAMPLES = sorted(path for path in EVENTS.glob("*.json") if path.stem not in {"poison", "schedule"})
NOW = 1793527260  # One minute after they occurred.


def records(name: str) -> list[dict[str, Any]]:
    loaded: dict[str, list[dict[str, Any]]] = json.loads((EVENTS / "sqs" / name).read_text())
    return loaded["Records"]


def outcome(body: str) -> str:
    try:
        return read(body, NOW).type
    except PoisonError as error:
        return error.reason


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_an_event_of_the_demo_shop(path: Path) -> None:
    event = read(path.read_text(), NOW)
    assert event.shop == "demo"
    assert path.stem.startswith(event.type)


def test_every_kind_of_event_has_a_sample() -> None:
    assert {read(path.read_text(), NOW).type for path in SAMPLES} == set(EVENT_TYPES)


def test_samples_differ_in_their_ids() -> None:
    assert len({read(path.read_text(), NOW).id for path in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize("path", sorted(EVENTS.rglob("*.json")), ids=lambda path: path.stem)
def test_nobody_real_is_in_a_sample(path: Path) -> None:
    found = re.findall(r"\w@([\w.-]*)", path.read_text())
    assert set(found) <= {"example.com"}


def test_the_poisoned_sample_is_poison() -> None:
    with pytest.raises(PoisonError) as caught:
        read((EVENTS / "poison.json").read_text(), NOW)
    assert caught.value.reason == "no_known_event"


@pytest.mark.parametrize("name", ["eventbridge.json", "raw.json"])
def test_a_queued_sample_is_the_purchase_in_its_envelope(name: str) -> None:
    [record] = records(name)
    assert read(record["body"], NOW) == read((EVENTS / "purchase.json").read_text(), NOW)


def test_one_and_the_same_purchase_is_found_in_every_envelope() -> None:
    bodies = [record["body"] for record in records("envelopes.json")]
    assert [open_envelope(body).name for body in bodies] == [
        "eventbridge",
        "sns",
        "raw",
        "eventbridge",
        "cloudevents",
        "cloudevents",
        "cloudevents",
    ]
    assert '"replay-name"' in bodies[0]
    assert '"data_base64"' in bodies[5]
    purchase = read((EVENTS / "purchase.json").read_text(), NOW)
    assert [read(body, NOW) for body in bodies] == [purchase] * 7


def test_the_partners_sample_is_a_checkout_of_stripe() -> None:
    (record,) = records("partner.json")
    sample = EVENTS / "partners" / "stripe-checkout-session-completed.json"
    assert json.loads(record["body"]) == json.loads(sample.read_text())


def test_the_mixed_sample_has_good_and_bad_ones() -> None:
    outcomes = [outcome(record["body"]) for record in records("mixed.json")]
    assert outcomes == ["purchase", "no_known_event", "not_json", "signup"]


@pytest.mark.parametrize("name", [path.name for path in sorted((EVENTS / "sqs").iterdir())])
def test_queued_samples_look_like_what_lambda_receives(name: str) -> None:
    found = records(name)
    assert len({record["messageId"] for record in found}) == len(found)
    for record in found:
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        assert record["md5OfBody"] == digest
        assert record["eventSource"] == "aws:sqs"


def test_the_scheduled_sample_carries_its_time() -> None:
    assert json.loads((EVENTS / "schedule.json").read_text()) == {
        "scheduled_time": "2026-11-01T10:01:00Z"
    }
