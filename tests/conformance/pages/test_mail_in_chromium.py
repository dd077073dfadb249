"""The mail that asks, before the eyes of a real Chromium: readable on phone and desktop, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from invitation_service.surveys.models import SurveySettings
from tests.support.letters import LINKS, SENDER, body, make_mail, make_template

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

PHONE, DESKTOP = {"width": 375, "height": 800}, {"width": 1280, "height": 800}
SETTINGS = SurveySettings(
    subject="Lime & Thyme",
    intro_text="Hello!\n\nYou ordered from us two weeks ago. Did we keep our word?",
    highlight_color="#0b6e4f",
)
TEMPLATE = make_template(
    "Hello [L1],\n\nplease tell us at [LINK] how it was.\n\n[LINK]\n\nhttps://shop.example.com/help"
)


def show(window: Any, folder: Path, html: str, **how: Any) -> Any:
    """Open a mail as a mail program does: by itself, and without scripts."""
    file = folder / "mail.html"
    file.write_text(html, encoding="utf-8")
    seen = window(**how)
    seen.open(file.as_uri())
    return seen


def rows(page: Page) -> list[int]:
    """Return how many scores stand in each row."""
    boxes = [each.bounding_box() for each in page.locator("a[href*='score=']").all()]
    tops = [round(box["y"]) for box in boxes if box]
    return [tops.count(top) for top in sorted(set(tops))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("viewport", "in_rows"), [(PHONE, [6, 5]), (DESKTOP, [11])])
@pytest.mark.parametrize("language", ["en", "cs", "de"])
def test_a_survey_s_mail_is_readable(
    window: Any,
    tmp_path: Path,
    language: str,
    viewport: dict[str, int],
    in_rows: list[int],
    scheme: str,
) -> None:
    mail = make_mail(settings=SETTINGS, recipient={"locale": language})
    seen = show(window, tmp_path, body(mail, "html"), viewport=viewport, color_scheme=scheme)
    seen.look("mail")
    assert rows(seen.page) == in_rows
    first = seen.page.locator("a[href*='score=']").first.bounding_box()
    # A thumb needs as much: https://www.w3.org/TR/WCAG22/#target-size-enhanced
    assert min(first["width"], first["height"]) >= 44


@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#ffe600", "#77a500", "#c0392b"])
def test_a_survey_s_mail_is_readable_in_any_colour(
    window: Any, tmp_path: Path, colour: str
) -> None:
    settings = SETTINGS.model_copy(update={"highlight_color": colour})
    html = body(make_mail(settings=settings), "html")
    show(window, tmp_path, html, viewport=PHONE).look("mail")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_template_s_mail_is_readable(window: Any, tmp_path: Path, scheme: str) -> None:
    mail = make_mail(template=TEMPLATE, labels={"l1": "Jane <b>"})
    seen = show(window, tmp_path, body(mail, "html"), viewport=PHONE, color_scheme=scheme)
    seen.look("template")


def test_long_words_are_broken(window: Any, tmp_path: Path) -> None:
    """Nobody has to scroll sideways: `look` sees to it."""
    long = "Lime&Thyme" * 12
    sender = SENDER.model_copy(update={"from_name": long, "footer": f"https://{long}.example.com"})
    for fields in ({"template": TEMPLATE, "labels": {"l1": long}}, {"settings": nps(long)}):
        html = body(make_mail(sender=sender, **fields), "html")
        show(window, tmp_path, html, viewport=PHONE).look("long-words")


def nps(long: str) -> SurveySettings:
    return SurveySettings(subject=long, intro_text=long)


def test_by_keyboard_every_answer_is_reached(window: Any, tmp_path: Path) -> None:
    page = show(window, tmp_path, body(make_mail(settings=SETTINGS), "html")).page
    reached = []
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.href"))
    assert reached == list(LINKS.scores)
