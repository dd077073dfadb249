from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from afterword.remembering.records import BatchState, State
from cli import options
from cli.app import app
from cli.places import Place
from tests.support.samples import NOW, batch, campaign, customer, invitation, key
from tests.support.shop import Shop

if TYPE_CHECKING:
    from typer.testing import Result

ONE = "demo#purchase#A-1#after-purchase"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One invitation held alone, a batch of two, one of another campaign."""
    shop = Shop([campaign()])
    rows = [
        invitation("A-1", state=State.HELD, reason="no_address", held_at=NOW - 60),
        invitation("A-2", state=State.CLAIMED, batch="B1"),
        invitation("A-3", state=State.CLAIMED, batch="B1"),
        invitation("A-4", state=State.ENDED, reason="refunded"),
        invitation("A-5", campaign="other", state=State.HELD, reason="no_address"),
    ]
    shop.ledger.create(rows, NOW)
    shop.ledger.remember_customers([customer(f"v1:A-{n}") for n in (1, 2)], NOW)
    stuck = batch("B1", size=2, due=NOW, state=BatchState.HELD, reason="killed_in_call")
    shop.ledger.open_batch(stuck, [key("A-2"), key("A-3")])
    monkeypatch.setattr(Place, "ledger", lambda _: shop.ledger)
    monkeypatch.setattr(options, "now", shop.clock)
    return shop


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["held", *arguments, "--table", "T"], input=answer)


def document(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def states(shop: Shop) -> list[str]:
    found = shop.invitations(*(key(f"A-{number}") for number in (1, 2, 3, 4)))
    return [f"{each.state} {each.reason}" for each in found]


def test_the_list_tells_since_when_why_and_of_whom_without_an_address(shop: Shop) -> None:
    del shop
    found = document("list")
    assert (found["total"], found["reasons"]) == (4, {"no_address": 2, "killed_in_call": 2})
    first = next(each for each in found["held"] if each["id"] == ONE)
    assert {name: first[name] for name in ("what", "reason", "since", "campaign")} == {
        "what": "invitation",
        "reason": "no_address",
        "since": "2027-01-15T07:59:00Z",
        "campaign": "after-purchase",
    }
    stuck = next(each for each in found["held"] if each["id"] == "B1")
    assert [each["occasion"] for each in stuck["members"]] == ["A-2", "A-3"]
    assert (stuck["what"], stuck["invitations"], stuck["since"]) == (
        "batch",
        2,
        "2027-01-15T08:00:00Z",
    )
    assert "@" not in json.dumps(found)


def test_the_table_holds_the_same_and_its_ids_can_be_copied(shop: Shop) -> None:
    del shop
    shown = run("list").stdout
    assert ONE in shown
    assert "A-2 and 1 more" in shown
    assert "4 held invitations." in shown
    assert "2 killed_in_call" in shown
    assert "@" not in shown


def test_addresses_are_shown_to_who_asks_for_them(shop: Shop) -> None:
    del shop
    assert "a-1@example.com" in run("list", "--show-customer").stdout
    (first, second) = document("show", "B1", "--show-customer")["members"]
    assert (first["email"], second["email"]) == ("a-2@example.com", None)


def test_the_list_is_cut_and_still_counts_all(shop: Shop) -> None:
    del shop
    found = document("list", "--limit", "1", "--campaign", "after-purchase")
    assert (found["total"], len(found["held"])) == (3, 1)
    assert document("list", "--reason", "no_address")["total"] == 2
    assert document("list", "--reason", "nothing") == {"total": 0, "reasons": {}, "held": []}
    assert run("list", "--reason", "nothing").stdout == "0 held invitations.\n"


def test_of_a_large_batch_a_list_shows_the_first_and_counts_all(shop: Shop) -> None:
    keys = [key(f"C-{number}") for number in range(25)]
    members = [invitation(f"C-{n}", state=State.CLAIMED, batch="B2") for n in range(25)]
    shop.ledger.create(members, NOW)
    shop.ledger.open_batch(batch("B2", size=25, due=NOW, state=BatchState.HELD), keys)
    listed = next(each for each in document("list")["held"] if each["id"] == "B2")
    assert ([each["occasion"] for each in listed["members"]], listed["invitations"]) == (
        [f"C-{number}" for number in range(10)],
        25,
    )
    assert "C-0 and 24 more" in run("list").stdout
    assert len(document("show", "B2")["members"]) == 25


def test_a_campaign_that_never_was_is_refused(shop: Shop) -> None:
    del shop
    result = run("list", "--campaign", "after-purchases")
    assert result.exit_code == 1
    assert "Known: after-purchase, other." in result.stderr


def test_one_is_shown_with_all_its_members(shop: Shop) -> None:
    del shop
    shown = run("show", "B1").stdout
    assert "reason: killed_in_call" in shown
    assert "A-2" in shown
    assert "A-3" in shown
    assert run("show", "B9").exit_code == 1
    assert "There is no B9." in run("show", "B9").stderr


@pytest.mark.parametrize(
    ("said", "alone", "members"),
    [
        ("sent", "ended sent_by_operator", "claimed None"),
        ("resend", "pending resent_by_operator", "pending resent_by_operator"),
        ("drop", "ended dropped_by_operator", "ended dropped_by_operator"),
    ],
)
def test_what_is_named_is_resolved(shop: Shop, said: str, alone: str, members: str) -> None:
    assert document("resolve", ONE, "B1", "--as", said, "--yes") == {"resolved": 3}
    assert states(shop) == [alone, members, members, "ended refunded"]


def test_resolving_twice_is_harmless_and_says_so(shop: Shop) -> None:
    run("resolve", ONE, "B1", "--as", "drop", "--yes")
    before = states(shop)
    result = run("resolve", ONE, "B1", "--as", "resend", "--yes")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Resolved: 0",
        f"Not held any more: {ONE} (ended, dropped_by_operator), B1 (released, dropped_by_operator)",
    ]
    assert states(shop) == before


def test_what_there_is_not_is_told_and_the_others_are_resolved(shop: Shop) -> None:
    result = run("resolve", "B7", ONE, "--as", "drop", "--yes")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["Resolved: 1", "There is no: B7"]
    assert states(shop)[0] == "ended dropped_by_operator"


def test_all_of_a_campaign_and_a_reason_are_resolved(shop: Shop) -> None:
    done = document(
        "resolve", "--all", "--campaign", "after-purchase", "--reason", "no_address",
        "--as", "drop", "--yes",
    )  # fmt: skip
    assert done == {"resolved": 1}
    assert states(shop)[1] == "claimed None"
    assert shop.ledger.count_held("other", 9) == 1
    assert document("resolve", "--all", "--as", "drop", "--yes") == {"resolved": 3}


def test_nothing_is_resolved_without_a_yes(shop: Shop) -> None:
    before = states(shop)
    for arguments in (["--all"], [ONE]):
        refused = run("resolve", *arguments, "--as", "resend", answer="n\n")
        assert refused.exit_code == 1
        assert "though it may have been asked before. Go on?" in refused.stderr
        assert run("resolve", *arguments, "--as", "resend").exit_code == 1
    assert states(shop) == before
    assert run("resolve", ONE, "--as", "drop", answer="y\n").exit_code == 0
    assert states(shop) != before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--as", "drop"], "Name either ids or --all."),
        (["B1", "--all", "--as", "drop"], "Name either ids or --all."),
        (["B1", "--reason", "x", "--as", "drop"], "go with --all"),
    ],
)
def test_what_makes_no_sense_is_refused(shop: Shop, arguments: list[str], told: str) -> None:
    before = states(shop)
    result = run("resolve", *arguments, "--yes")
    assert (result.exit_code, told in result.stderr) == (1, True)
    assert states(shop) == before


def test_who_comes_second_between_reading_and_writing_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.ledger, "move", lambda _: set())
    result = run("resolve", ONE, "--as", "drop", "--yes")
    assert result.stdout.splitlines() == [
        "Resolved: 0",
        "Not held any more: 1 that somebody else resolved just now",
    ]
