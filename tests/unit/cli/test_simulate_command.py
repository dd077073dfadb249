from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.cloud import ROOT
from tests.support.desk import Desk
from tests.support.parameters import campaign_text
from tests.support.samples import campaign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch, [campaign()])


def lines(*events: Any) -> str:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in events)


def test_events_are_tried_on_the_stages_campaigns(desk: Desk) -> None:
    text = lines(desk.shop.purchase(), "", desk.shop.event("refund", order_id="A-9"))
    found = desk.document("simulate", "-", answer=text)
    (fate,) = found["fates"]
    assert (found["events"], found["counts"]) == (2, {"asked": 1})
    assert (fate["line"], fate["occasion"], fate["outcome"], fate["at"]) == (
        1,
        "A-1",
        "asked",
        "2027-01-15T08:00:00Z",
    )
    assert desk.shop.ledger.campaigns() == set()
    assert "@" not in json.dumps(found)


def test_events_are_tried_on_a_folder_as_if_it_were_live(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "tried.json").write_text(campaign_text(delay="PT1H"))
    events = tmp_path / "events.jsonl"
    events.write_text(lines(desk.shop.purchase()))
    command = ["simulate", str(events), "--campaigns", str(tmp_path)]
    assert "1 not asked: dry_run: the campaign only tries" in desk.run(*command).stdout
    (fate,) = desk.document(*command, "--as-live")["fates"]
    assert (fate["campaign"], fate["at"]) == ("tried", "2027-01-15T09:00:00Z")


def test_what_is_no_event_is_told_by_its_line_and_ends_with_one(desk: Desk) -> None:
    text = lines(desk.shop.purchase(), "ada@example.com", desk.shop.event("refnd"))
    found = desk.document("simulate", "-", code=1, answer=text)
    assert [(each["line"], each["outcome"]) for each in found["fates"]] == [
        (1, "asked"),
        (2, "dead letter"),
        (3, "dead letter"),
    ]
    assert "@" not in json.dumps(found)
    assert "2 dead letter" not in desk.run("simulate", "-", "--limit", "0", answer=text).stdout


def test_a_folder_that_does_not_load_and_a_file_that_is_none_are_refused(
    desk: Desk, tmp_path: Path
) -> None:
    result = desk.run("simulate", "-", "--campaigns", str(tmp_path), answer="")
    assert (result.exit_code, "holds no *.json" in result.stderr) == (1, True)
    (tmp_path / "bad.json").write_text(campaign_text(mode="loud"))
    result = desk.run("simulate", "-", "--campaigns", str(tmp_path), answer="")
    assert (result.exit_code, "bad: mode:" in result.stderr) == (1, True)
    assert desk.run("simulate", str(tmp_path / "none")).exit_code == 1


def test_the_samples_are_tried_without_a_network(desk: Desk) -> None:
    names = ["purchase", "purchase-waiting", "refund", "signup", "cancellation"]
    text = lines(*(json.loads((ROOT / "events" / f"{each}.json").read_text()) for each in names))
    folder = str(ROOT / "local" / "campaigns")
    found = desk.document("simulate", "-", "--campaigns", folder, answer=text)
    assert found["counts"]["asked"] == 2
