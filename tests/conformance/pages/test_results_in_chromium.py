"""An admin looks at a survey's results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from invitation_service.texts.catalogue import texts_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.pages import ServedShop

    type Open = Callable[..., Any]

SIZES = {"phone": {"width": 375, "height": 812}, "desktop": {"width": 1280, "height": 860}}
EN = texts_in("en")
TO = "\N{EN DASH}"
ADMIN = {"username": "admin@example.com/token", "password": "token-1"}
SAID = {
    10: "Delivered overnight, and the card inside was handwritten.",
    9: "Simply good.",
    8: "Fine, though the parcel was a bit battered.\nStill: thank you.",
    3: "Two weeks for a kettle. <script>document.title = 'taken'</script>",
}


@pytest.fixture
def answered(shop: ServedShop) -> ServedShop:
    for number, score in enumerate([10, 9, 8, 3, 10, 7, 0]):
        shop.service.later(hours=3)
        shop.answered(score, SAID.get(score) if number < len(SAID) else None)
    return shop


@pytest.mark.parametrize("size", SIZES)
def test_the_browser_asks_who_it_is_and_shows_the_score(
    answered: ServedShop, window: Open, size: str
) -> None:
    seen = window(viewport=SIZES[size], http_credentials=ADMIN)

    page = seen.open(f"{answered.url}/results/1")

    expect(seen.heading).to_have_text(EN.say("results.title"))
    expect(page.locator(".number")).to_have_text("+14")
    rows = [row.inner_text().split("\t") for row in page.locator("tbody tr").all()]
    assert rows == [
        ["Detractors", f"0{TO}6", "2", "29 %"],
        ["Passives", f"7{TO}8", "2", "28 %"],
        ["Promoters", f"9{TO}10", "3", "43 %"],
    ]
    comments = [each.inner_text() for each in page.locator("blockquote").all()]
    assert comments == [SAID[3], SAID[8], SAID[9], SAID[10]]
    assert page.title() == f"Results {TO} Lípa & Daughters"
    seen.look("1-results")


def test_before_the_first_answer_the_page_says_so(shop: ServedShop, window: Open) -> None:
    seen = window(http_credentials=ADMIN)

    page = seen.open(f"{shop.url}/results/1")

    expect(page.get_by_text(EN.say("results.none"))).to_be_visible()
    seen.look("1-results")


def test_where_the_gateway_keeps_the_browser_from_asking_there_is_a_form(
    answered: ServedShop, window: Open
) -> None:
    answered.rename_www_authenticate()
    seen = window(viewport=SIZES["phone"])
    page = seen.open(f"{answered.url}/results/1")
    expect(seen.heading).to_have_text(EN.say("sign_in.title"))
    seen.look("1-sign-in")

    page.get_by_label(EN.say("sign_in.email")).fill("admin@example.com")
    page.get_by_label(EN.say("sign_in.secret")).fill("wrong")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_have_text(EN.say("sign_in.refused"))
    seen.look("2-refused")

    page.get_by_label(EN.say("sign_in.email")).fill("admin@example.com")
    page.get_by_label(EN.say("sign_in.secret")).fill("token-1")
    page.get_by_role("button").click()
    expect(page.locator(".number")).to_have_text("+14")
