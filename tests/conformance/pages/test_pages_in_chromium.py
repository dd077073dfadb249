"""People open the pages: with a mouse, with the keyboard alone, on a phone, in their language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from invitation_service.surveys.models import SurveyStatus
from invitation_service.texts.catalogue import LANGUAGES, texts_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.support.pages import ServedShop

    type Open = Callable[..., Any]

SIZES = {"phone": {"width": 375, "height": 812}, "desktop": {"width": 1280, "height": 860}}
EN = texts_in("en")

sizes = pytest.mark.parametrize("size", SIZES)


def radio(page: Page, score: int) -> Any:
    return page.get_by_role("radio", name=str(score), exact=True)


def send(page: Page, language: str = "en") -> None:
    page.get_by_role("button", name=texts_in(language).say("page.send"), exact=True).click()


@sizes
@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_answers_with_the_mouse(
    shop: ServedShop, window: Open, size: str, language: str
) -> None:
    jane, say = shop.invite(language), texts_in(language).say
    seen = window(viewport=SIZES[size])
    page = seen.open(jane.page)
    seen.look("1-asked")

    # Where people press: on the number, not on a control behind it.
    page.locator("label.score", has_text="9").click()
    page.get_by_label(say("page.comment_question")).fill("Quick & friendly.\nThanks <3")
    seen.look("2-filled")
    send(page, language)

    expect(seen.heading).to_have_text(say("thanks.heading"))
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert jane.answer == (9, "Quick & friendly.\nThanks <3")
    seen.look("3-thanked")


@sizes
def test_somebody_answers_with_the_keyboard_alone(
    shop: ServedShop, window: Open, size: str
) -> None:
    jane = shop.invite("en")
    seen = window(viewport=SIZES[size])
    page = seen.open(jane.page)
    press = page.keyboard.press

    press("Tab")
    expect(radio(page, 0)).to_be_focused()
    for _ in range(7):
        press("ArrowRight")
    expect(radio(page, 7)).to_be_checked()
    outline = page.locator("input:checked + span").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    seen.look("1-focused")
    press("Tab")
    page.keyboard.type("All by keys")
    press("Tab")
    press("Enter")

    expect(seen.heading).to_have_text(EN.say("thanks.heading"))
    assert jane.answer == (7, "All by keys")


@sizes
def test_the_score_that_was_clicked_in_the_mail_needs_one_press_more(
    shop: ServedShop, window: Open, size: str
) -> None:
    jane = shop.invite("cs")
    page = window(viewport=SIZES[size]).open(jane.score(10))

    expect(radio(page, 10)).to_be_checked()
    assert jane.answer is None
    send(page, "cs")

    expect(page.get_by_role("heading", level=1)).to_have_text(texts_in("cs").say("thanks.heading"))
    assert jane.answer == (10, None)


def test_everything_works_without_javascript(shop: ServedShop, window: Open) -> None:
    jane = shop.invite("de")
    page = window(java_script_enabled=False).open(jane.score(3))

    page.locator("label.score", has_text="4").click()
    page.locator("textarea").fill("Ohne Skript")
    page.locator("button").click()
    expect(page.locator("h1")).to_have_text(texts_in("de").say("thanks.heading"))
    assert jane.answer == (4, "Ohne Skript")

    page.goto(jane.unsubscribe)
    page.locator("button").click()
    expect(page.locator("h1")).to_have_text(texts_in("de").say("unsubscribe.done_heading"))
    assert jane.unsubscribed


def test_an_answer_is_changed(shop: ServedShop, window: Open) -> None:
    jane = shop.invite("en")
    seen = window(viewport=SIZES["phone"])
    page = seen.open(jane.score(9))
    page.locator("textarea").fill("Good")
    send(page)

    page.get_by_role("link", name=EN.say("thanks.change")).click()
    expect(radio(page, 9)).to_be_checked()
    expect(page.locator("textarea")).to_have_value("Good")
    seen.look("1-again")
    page.locator("label.score", has_text="2").click()
    page.locator("textarea").fill("Broken by now")
    page.get_by_role("button", name=EN.say("page.change"), exact=True).click()

    expect(seen.heading).to_have_text(EN.say("thanks.heading"))
    assert jane.answer == (2, "Broken by now")


def test_reloading_and_going_back_break_nothing(shop: ServedShop, window: Open) -> None:
    jane = shop.invite("en")
    page = window().open(jane.score(9))
    send(page)
    # To reload a page that is still on its way is another story, and no browser promises its end.
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.say("thanks.heading"))
    page.wait_for_load_state()

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(EN.say("thanks.heading"))
    page.go_back()
    expect(page.get_by_role("radiogroup")).to_be_visible()
    assert jane.answer == (9, None)


@sizes
def test_a_forgotten_score_is_told_at_the_field(shop: ServedShop, window: Open, size: str) -> None:
    jane = shop.invite("en")
    seen = window(viewport=SIZES[size])
    page = seen.open(jane.page)
    page.locator("textarea").fill("My comment")

    send(page)

    expect(page.get_by_role("alert")).to_have_text(EN.say("page.score_missing"))
    expect(page.get_by_role("radiogroup")).to_have_accessible_description(
        f"{EN.say('page.score_missing')} 0 = {EN.say('scale.lowest')} 10 = {EN.say('scale.highest')}"
    )
    expect(radio(page, 0)).to_be_focused()
    expect(page.locator("textarea")).to_have_value("My comment")
    assert jane.answer is None
    seen.look("1-told")

    page.locator("label.score", has_text="8").click()
    send(page)
    expect(seen.heading).to_have_text(EN.say("thanks.heading"))
    assert jane.answer == (8, "My comment")


def test_a_screen_reader_hears_the_question_its_ends_and_the_numbers(
    shop: ServedShop, window: Open
) -> None:
    page = window().open(shop.invite("en").page)

    group = page.get_by_role("radiogroup", name=texts_in("en").question("Lípa & Daughters", 0))
    expect(group).to_have_accessible_description(
        f"0 = {EN.say('scale.lowest')} 10 = {EN.say('scale.highest')}"
    )
    assert [each.get_attribute("value") for each in group.get_by_role("radio").all()] == [
        str(score) for score in range(11)
    ]
    expect(page.locator("textarea")).to_have_accessible_description(EN.say("page.comment_hint"))


@sizes
def test_whatever_is_pressed_is_big_enough_for_a_thumb(
    shop: ServedShop, window: Open, size: str
) -> None:
    """44 pixels: https://www.w3.org/TR/WCAG22/#target-size-enhanced."""
    page = window(viewport=SIZES[size]).open(shop.invite("en").page)
    targets = [*page.locator("label.score").all(), page.locator("button")]

    boxes = [target.bounding_box() for target in targets]
    assert len(boxes) == 12
    assert min(box["width"] for box in boxes if box) >= 43.5
    assert min(box["height"] for box in boxes if box) >= 44


def test_another_language_is_chosen(shop: ServedShop, window: Open) -> None:
    jane = shop.invite("cs")
    page = window().open(jane.score(6))

    page.get_by_role("link", name="Deutsch").click()

    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(radio(page, 6)).to_be_checked()
    send(page, "de")
    expect(page.get_by_role("heading", level=1)).to_have_text(texts_in("de").say("thanks.heading"))
    assert jane.answer == (6, None)


@sizes
@pytest.mark.parametrize("language", ["en", "cs"])
def test_somebody_unsubscribes_and_changes_their_mind(
    shop: ServedShop, window: Open, size: str, language: str
) -> None:
    jane, say = shop.invite(language), texts_in(language).say
    seen = window(viewport=SIZES[size])
    page = seen.open(jane.unsubscribe)
    seen.look("1-asked")
    assert not jane.unsubscribed

    page.get_by_role("button", name=say("unsubscribe.button"), exact=True).click()
    expect(seen.heading).to_have_text(say("unsubscribe.done_heading"))
    assert jane.unsubscribed
    seen.look("2-done")

    page.get_by_role("button", name=say("unsubscribe.undo_button"), exact=True).click()
    expect(seen.heading).to_have_text(say("unsubscribe.undone_heading"))
    assert not jane.unsubscribed
    seen.look("3-undone")


@sizes
def test_pages_that_only_say_something(shop: ServedShop, window: Open, size: str) -> None:
    jane = shop.invite("en")
    seen = window(viewport=SIZES[size])

    seen.open(jane.page[:-1])
    expect(seen.heading).to_have_text(EN.say("unknown.heading"))
    seen.look("1-unknown")
    shop.configure(status=SurveyStatus.CLOSED)
    seen.open(jane.page)
    expect(seen.heading).to_have_text(EN.say("closed.heading"))
    seen.look("2-closed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "colour", ["#77a500", "#ffe600", "#ffffff", "#000000", "#d6336c", "#808080"]
)
def test_a_surveys_colour_never_makes_the_page_unreadable(
    shop: ServedShop, window: Open, colour: str, scheme: str
) -> None:
    shop.configure(highlight_color=colour)
    seen = window(viewport=SIZES["phone"], color_scheme=scheme)

    seen.open(shop.answered(9, "Good", locale="en").page)

    seen.look("1-again")


def test_names_and_texts_of_any_length_fit(shop: ServedShop, window: Open) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikantenwitwe" * 3
    shop.configure(subject=long, intro_text=long, comments_question=long)
    seen = window(viewport={"width": 320, "height": 640})

    seen.open(shop.invite("de").page)

    seen.look("1-asked")


def test_the_page_asks_nobody_else_for_anything(shop: ServedShop, window: Open) -> None:
    jane = shop.invite("en")
    seen = window()
    asked: list[str] = []
    said: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    seen.page.on("console", lambda message: said.append(message.text))

    seen.open(jane.page)

    assert asked == [jane.page]
    # Nor does its own policy stand in its way.
    assert said == []
