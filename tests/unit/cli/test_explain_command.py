from __future__ import annotations

import json

import pytest

from afterword.deciding.rules import StopMark
from afterword.remembering.records import Key, Occasion
from tests.support.desk import Desk, ref
from tests.support.samples import HOUR, NOW, campaign, invitation

EMAIL = "a-1@example.com"
ID = "demo#purchase#A-1#after-purchase"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A purchase waits, and a signup with an account of the same name as another order."""
    desk = Desk(
        monkeypatch,
        [campaign(delay="PT2H"), campaign("after-signup", event="signup", delay="P1D")],
    )
    shop = desk.shop
    shop.translate(shop.purchase() | {"id": "evt-1"})
    shop.translate(shop.signup("S-1", EMAIL) | {"id": "evt-2"})
    return desk


@pytest.mark.parametrize("identity", ["A-1", ID, "evt-1"])
def test_an_order_an_invitation_and_an_event_lead_to_the_same_story(
    desk: Desk, identity: str
) -> None:
    found = desk.document("explain", identity)
    (story,) = found["invitations"]
    assert (story["id"], story["state"], story["due"]) == (ID, "pending", "2027-01-15T10:00:00Z")
    assert story["next"] == "It is sent by the first sweep after 2027-01-15T10:00:00Z."
    assert [each["customer"] for each in found["customers"]] == [ref(EMAIL)]


@pytest.mark.parametrize(
    ("identity", "answer"),
    [
        (EMAIL, None),
        (" A-1@EXAMPLE.com", None),
        ("-", f"{EMAIL}\n"),
        (ref(EMAIL), None),
        (ref(EMAIL).removeprefix("demo#"), None),
    ],
)
def test_a_customer_is_found_by_address_or_key_and_no_address_is_shown(
    desk: Desk, identity: str, answer: str | None
) -> None:
    found = desk.document("explain", identity, answer=answer)
    assert {each["occasion"] for each in found["invitations"]} == {"A-1", "S-1"}
    (person,) = found["customers"]
    assert person["holds"] == ["email", "name"]
    shown = desk.run("explain", identity, answer=answer).stdout
    for text in (json.dumps(found), shown):
        assert "@" not in text
        assert "Jana" not in text


def test_an_account_is_found_by_its_id_and_told_for_people(desk: Desk) -> None:
    shown = desk.run("explain", "S-1").stdout
    assert "signup S-1, campaign after-signup: pending" in shown
    assert "The signup happened." in shown
    assert "Next: It is sent by the first sweep after 2027-01-16T08:00:00Z." in shown


def test_a_call_is_told_with_its_batch_and_the_providers_id(desk: Desk) -> None:
    desk.shop.clock.pass_by(2 * HOUR)
    # Who was asked when is kept where a campaign caps that.
    desk.shop.campaigns.append(campaign("capped", contact_cap={"period": "P30D"}))
    desk.shop.sweep()
    (story,) = desk.document("explain", "A-1")["invitations"]
    assert (story["state"], story["batch"], story["provider_id"]) == ("sent", "B0", 1)
    (person,) = desk.document("explain", "A-1")["customers"]
    assert (person["last_asked_at"], person["last_asked_by"]) == ("2027-01-15T10:00:00Z", ID)


def test_a_stop_mark_alone_is_told(desk: Desk) -> None:
    occasion = Occasion("demo", "purchase", "A-9")
    desk.shop.ledger.put_marks({occasion: StopMark("refunded", NOW, "9.90", partial=True)}, NOW)
    (mark,) = desk.document("explain", "A-9")["stop_marks"]
    assert mark == {
        "kind": "purchase",
        "occasion": "A-9",
        "why": "partially refunded",
        "at": "2027-01-15T08:00:00Z",
        "amount": "9.90",
    }
    assert "partially refunded" in desk.run("explain", "A-9").stdout


def test_what_nobody_knows_and_what_is_no_address_end_with_one(desk: Desk) -> None:
    for identity in ("A-8", "demo#purchase#A-8#after-purchase"):
        result = desk.run("explain", identity)
        assert (result.exit_code, "knows nothing of it" in result.stderr) == (1, True)
    result = desk.run("explain", "ada@")
    assert (result.exit_code, "ada" in result.stderr) == (1, False)


def test_an_id_with_the_ledgers_own_separator_or_with_markup_is_an_order_like_any_other(
    desk: Desk,
) -> None:
    shop = desk.shop
    for order in ("7#8", "#v1#", "[red]x"):
        shop.ledger.create(
            [invitation(key=Key(Occasion("demo", "purchase", order), "after-purchase"))], NOW
        )
        assert desk.document("explain", order)["invitations"][0]["occasion"] == order
        assert f"purchase {order}, campaign" in desk.run("explain", order).stdout


def test_the_shop_must_be_named_where_there_are_several(desk: Desk) -> None:
    desk.shop.campaigns.append(campaign("more", shop="other"))
    result = desk.run("explain", "A-1")
    assert (result.exit_code, "Known: demo, other." in result.stderr) == (1, True)
    assert desk.document("explain", "A-1", "--shop", "demo")["invitations"]
    assert desk.run("explain", "A-1", "--shop", "other").exit_code == 1
