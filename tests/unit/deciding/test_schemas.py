"""The schemas in docs/schemas are those of the models, and say what the models say."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from afterword.reading.shop_events import EVENT_TYPES
from local.schemas import SCHEMAS, app, stale

ROOT = SCHEMAS.parents[1]
EVENTS = sorted(path for path in (ROOT / "events").glob("*.json") if path.stem != "schedule")
CAMPAIGNS = sorted((ROOT / "local" / "campaigns").glob("*.json"))


def validator(kind: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.v1.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def loaded(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--folder", str(folder), *arguments])
    return result.exit_code, result.output


def test_the_schemas_are_in_step_with_the_models() -> None:
    assert stale(SCHEMAS) == []


def test_there_is_a_schema_for_all_that_others_write() -> None:
    names = {path.name.removesuffix(".v1.json") for path in SCHEMAS.iterdir()}
    assert names == {*EVENT_TYPES, "campaign", "account"}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_sample_event_fits_the_schema_of_its_kind_alone(path: Path) -> None:
    event = loaded(path)
    fitting = [kind for kind in EVENT_TYPES if validator(kind).is_valid(event)]
    assert fitting == [kind for kind in EVENT_TYPES if kind == event["type"]]


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_a_sample_campaign_fits_its_schema(path: Path) -> None:
    assert validator("campaign").is_valid(loaded(path))


def test_the_schema_of_a_campaign_knows_its_fields() -> None:
    campaign = {"shop": "demo", "event": "signup", "account": "main", "survey": 1}
    assert validator("campaign").is_valid(campaign)
    assert not validator("campaign").is_valid(campaign | {"id": "a"})
    assert not validator("campaign").is_valid(campaign | {"delay": 60})


def test_the_schema_of_a_cancellation_wants_one_of_both_ids() -> None:
    common = {"type": "cancellation", "version": 1, "id": "1", "shop": "demo"}
    common["occurred_at"] = "2026-11-01T10:00:00Z"
    assert validator("cancellation").is_valid(common | {"account_id": "C-1"})
    assert not validator("cancellation").is_valid(common)
    assert not validator("cancellation").is_valid(common | {"account_id": "C", "order_id": "A"})


def test_a_check_of_fresh_schemas_passes_and_of_others_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    assert run(folder) == (0, "")
    assert run(folder, "--check") == (0, "")
    (folder / "refund.v1.json").write_text("{}")
    (folder / "signup.v1.json").unlink()
    (folder / "gone.v1.json").write_text("{}")
    code, output = run(folder, "--check")
    assert code == 1
    assert "models: gone.v1.json, refund.v1.json, signup.v1.json. Run `python -m local" in output
    assert run(folder) == (0, "")
    assert stale(folder) == []
