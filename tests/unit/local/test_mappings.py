from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from afterword.deciding.mapping_texts import ready_names
from local import cli
from local.samples import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

OWN = EVENTS / "mappings" / "own-order.json"
STRIPE = EVENTS / "mappings" / "stripe-purchases.json"
ORDER = EVENTS / "partners" / "own-order.json"


@pytest.fixture(autouse=True)
def _in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets the process up for the local cloud; here it stays as it is."""
    monkeypatch.setattr(cli, "move_in", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)


def mapping(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["mapping", *map(str, arguments)])


def written(folder: Path, value: object) -> Path:
    file = folder / "written.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value))
    return file


def test_a_mapping_alone_is_read() -> None:
    result = mapping("check", OWN)
    assert result.exit_code == 0
    assert result.stdout == "✔ own-order.json is a mapping: shop.legacy → purchase\n"


def test_a_sample_is_shown_as_the_event_that_it_becomes() -> None:
    result = mapping("check", OWN, "--event", ORDER)
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert (shown["type"], shown["order_id"]) == ("purchase", "1001")
    assert shown["customer"] == {"email": "ada@example.com", "name": "Ada"}


def test_an_sqs_event_is_a_sample_as_well() -> None:
    result = mapping("check", STRIPE, "--event", EVENTS / "sqs" / "partner.json")
    assert json.loads(result.stdout)["order_id"] == "pi_1"


def test_so_is_what_lies_in_an_envelope(tmp_path: Path) -> None:
    detail = json.loads(ORDER.read_text())["detail"]
    result = mapping("check", OWN, "--event", written(tmp_path, detail))
    assert json.loads(result.stdout)["order_id"] == "1001"


def test_what_is_meant_to_come_raw_stays_raw(tmp_path: Path) -> None:
    raw = json.loads(OWN.read_text()) | {"source": "raw", "detail_type": None, "when": "event.no"}
    file = written(tmp_path, raw)
    sample = tmp_path / "sample.json"
    sample.write_text("{}")
    result = mapping("check", file, "--event", sample)
    assert result.exit_code == 1
    assert "does not fit the mapping's when. It is of raw" in result.stderr


def test_a_sample_that_is_passed_over_says_why(tmp_path: Path) -> None:
    event = json.loads(ORDER.read_text())
    event["detail"]["test"] = True
    result = mapping("check", OWN, "--event", written(tmp_path, event))
    assert (result.exit_code, result.stdout) == (0, "skipped: test_order\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "✘ mapping sample: not JSON"),
        ('{"ready": "none"}', "✘ mapping sample: ready: there is segment-order-completed"),
        (
            '{"ready": "segment-signed-up", "shop": "demo", "fields": {"id": "a..b"}}',
            "✘ mapping sample: fields.id: no JMESPath: character 3",
        ),
    ],
)
def test_a_broken_mapping_fails_and_names_the_field(tmp_path: Path, text: str, said: str) -> None:
    result = mapping("check", written(tmp_path, text), "--event", ORDER)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("no JSON", "✘ not_json: the body: "),
        ("{}", "✘ invalid_event: mapping sample: order_id: Field required"),
        (
            '{"source": "shop.demo", "detail-type": "x", "detail": {}}',
            "✘ The sample does not fit the mapping's source. It is of shop.demo, of type x.",
        ),
        (
            '{"source": "shop.legacy", "detail-type": "x", "detail": {}}',
            "✘ The sample does not fit the mapping's detail_type. It is of shop.legacy, of type x.",
        ),
    ],
)
def test_a_sample_that_is_refused_fails_and_says_why(
    tmp_path: Path, sample: str, said: str
) -> None:
    bare = json.loads(OWN.read_text()) | {"skip": {}}
    other = tmp_path / "sample.json"
    other.write_text(sample)
    result = mapping("check", written(tmp_path, bare), "--event", other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(said)


def test_a_file_that_is_not_there_fails() -> None:
    result = mapping("check", "none.json")
    assert result.exit_code == 1
    assert result.stderr.startswith("✘ none.json cannot be read: No such file")


def test_ready_mappings_are_listed_and_shown() -> None:
    assert mapping("ready").stdout.split() == ready_names()
    shown = json.loads(mapping("ready", "segment-signed-up").stdout)
    assert shown["event"] == "signup"
    result = mapping("ready", "none")
    assert (result.exit_code, result.stderr[:9]) == (1, "✘ ready: ")
