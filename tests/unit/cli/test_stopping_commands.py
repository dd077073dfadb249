from __future__ import annotations

import json

import pytest

from afterword.remembering.records import Claim
from tests.support.desk import Desk, ref
from tests.support.samples import NOW, batch, campaign, key, occasion

EMAIL = "a-1@example.com"
ID = "demo#purchase#A-1#after-purchase"
OTHER = "demo#purchase#A-1#other"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(monkeypatch, [campaign(delay="PT2H"), campaign("other", delay="P1D")])
    desk.shop.translate(desk.shop.purchase())
    return desk


def test_a_cancelled_order_is_ended_for_every_campaign_and_for_good(desk: Desk) -> None:
    done = desk.document("cancel", "A-1", "--yes")
    assert done == {"ended": [ID, OTHER], "past_stopping": []}
    assert occasion("A-1") in desk.shop.ledger.read_marks([occasion("A-1")])
    assert desk.document("cancel", "A-1", "--yes")["ended"] == []
    assert "0 invitations that waited were ended." in desk.run("cancel", "A-1", "--yes").stdout


def test_one_campaign_alone_is_ended_and_others_go_on(desk: Desk) -> None:
    assert desk.document("cancel", "A-1", "--campaign", "other", "--yes")["ended"] == [OTHER]
    assert desk.shop.ledger.read_marks([occasion("A-1")]) == {}
    assert desk.document("pending")["total"] == 1
    result = desk.run("cancel", "A-1", "--campaign", "othr", "--yes")
    assert (result.exit_code, "Known: after-purchase, other." in result.stderr) == (1, True)


def test_what_is_unknown_or_ambiguous_wants_its_kind(desk: Desk) -> None:
    result = desk.run("cancel", "A-9", "--yes")
    assert (result.exit_code, "knows nothing" in result.stderr) == (1, True)
    desk.run("cancel", "A-9", "--kind", "purchase", "--yes")
    assert desk.shop.ledger.read_marks([occasion("A-9")])
    desk.run("cancel", "A-1", "--kind", "signup", "--yes")
    result = desk.run("cancel", "A-1", "--yes")
    assert (result.exit_code, "an order and an account" in result.stderr) == (1, True)


def test_what_is_in_a_call_is_told(desk: Desk) -> None:
    ledger = desk.shop.ledger
    (mine,) = ledger.read_invitations([key()]).values()
    ledger.open_batch(batch("B1"), [key()])
    ledger.claim(batch("B1"), [Claim(mine)], NOW)
    shown = desk.run("cancel", "A-1", "--yes").stdout
    assert "Past stopping (sent, in a call, or held with one): 1" in shown
    assert f"afterword explain '{ID}'" in shown


def test_a_suppressed_customer_may_be_asked_again_after_an_undo(desk: Desk) -> None:
    done = desk.document("suppress", EMAIL, "--yes")
    assert done == {
        "customer": ref(EMAIL),
        "suppressed": True,
        "ended": [ID, OTHER],
        "past_stopping": [],
    }
    assert desk.document("suppress", EMAIL, "--undo", "--yes")["suppressed"] is False
    desk.shop.translate(desk.shop.purchase("A-2", EMAIL))
    assert desk.document("pending")["total"] == 2
    result = desk.run("suppress", EMAIL, "--undo", "--yes")
    assert (result.exit_code, "It was not suppressed." in result.stderr) == (1, True)
    assert desk.run("suppress", EMAIL, "--yes").exit_code == 0
    assert "may be asked again" in desk.run("suppress", EMAIL, "--undo", "--yes").stdout


def test_an_erasure_tells_what_was_removed_and_is_for_good(desk: Desk) -> None:
    done = desk.document("erase", "-", "--yes", answer=f"{EMAIL}\n")
    assert (done["removed"], done["invitations_that_stay"]) == (["email", "name"], 2)
    assert done["ended"] == [ID, OTHER]
    again = desk.run("erase", EMAIL, "--yes").stdout
    assert "removed: nothing" in again
    assert "What stays names nobody" in again
    for text in (json.dumps(done), again):
        assert "@" not in text
    result = desk.run("suppress", EMAIL, "--undo", "--yes")
    assert (result.exit_code, "An erasure is for good." in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "command",
    [
        ["cancel", "A-1"],
        ["cancel", "A-1", "--campaign", "other"],
        ["suppress", EMAIL],
        ["erase", EMAIL],
    ],
)
def test_nothing_is_ended_without_a_yes(desk: Desk, command: list[str]) -> None:
    assert desk.run(*command, answer="n\n").exit_code == 1
    assert desk.document("pending")["total"] == 2
    assert desk.run(*command, answer="y\n").exit_code == 0
    assert desk.document("pending")["total"] < 2


def test_what_is_no_address_is_refused_and_not_repeated(desk: Desk) -> None:
    for command in ("suppress", "erase"):
        result = desk.run(command, "ada-at-home", "--yes")
        assert (result.exit_code, "ada" in result.stderr) == (1, False)
