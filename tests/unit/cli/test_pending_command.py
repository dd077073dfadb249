from __future__ import annotations

import pytest

from afterword.remembering.records import State
from tests.support.desk import Desk
from tests.support.samples import HOUR, NOW, campaign, invitation


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(monkeypatch, [campaign()])
    rows = [invitation(f"A-{number}", due=NOW - number * HOUR) for number in range(3)]
    rows += [invitation("B-1", campaign="other"), invitation("B-2", state=State.HELD)]
    desk.shop.ledger.create(rows, NOW)
    return desk


def test_what_waits_is_listed_by_campaign_soonest_first(desk: Desk) -> None:
    found = desk.document("pending")
    assert (found["total"], found["campaigns"]) == (4, {"after-purchase": 3, "other": 1})
    assert [each["occasion"] for each in found["pending"]] == ["A-2", "A-1", "A-0", "B-1"]
    assert found["pending"][0]["due"] == "2027-01-15T06:00:00Z"
    assert found["pending"][0]["id"] == "demo#purchase#A-2#after-purchase"


def test_the_table_has_ids_that_can_be_copied(desk: Desk) -> None:
    shown = desk.run("pending").stdout
    assert "demo#purchase#A-2#after-purchase" in shown
    assert shown.index("A-2") < shown.index("A-1")


def test_the_list_is_bounded_and_still_counts_all(desk: Desk) -> None:
    found = desk.document("pending", "--limit", "1", "--campaign", "after-purchase")
    assert (found["total"], len(found["pending"])) == (3, 1)
    shown = desk.run("pending", "--limit", "0").stdout
    assert shown == "4 invitations wait.\n  3 after-purchase\n  1 other\n"


def test_only_what_is_due_by_then_is_listed(desk: Desk) -> None:
    found = desk.document("pending", "--due-before", "2027-01-15T07:00:00Z")
    assert [each["occasion"] for each in found["pending"]] == ["A-2", "A-1"]
    assert desk.run("pending", "--due-before", "soon").exit_code == 1


def test_a_campaign_that_never_was_is_refused(desk: Desk) -> None:
    result = desk.run("pending", "--campaign", "nothing")
    assert (result.exit_code, "Known: after-purchase, other." in result.stderr) == (1, True)


def test_a_row_that_moved_on_since_the_index_was_read_is_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = invitation("B-2").key
    monkeypatch.setattr(desk.shop.ledger, "waiting", lambda *_: iter([held]))
    assert desk.document("pending", "--campaign", "after-purchase")["pending"] == []
