"""The pages, served over HTTP out of memory, before the eyes of a real Chromium."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # none
from playwright.sync_api import expect, sync_playwright

from local.cloud import ROOT
from tests.support.pages import ServedShop
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SCREENSHOTS = ROOT / ".local" / "screenshots"
# Milliseconds, for a browser on a busy machine: nothing is as slow unless it never comes.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


# Not for the session: while Playwright runs, no other test in this thread has an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    command = ["/bin/sh", str(ROOT / "local" / "chromium.sh")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours.
    if found.returncode:
        pytest.fail(found.stderr.strip())
    with sync_playwright() as playwright:
        # Its sandbox needs a right that containers lack; it opens nothing but pages of ours.
        launched = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=["--no-sandbox"]
        )
        yield launched
        launched.close()


@pytest.fixture
def shop() -> Iterator[ServedShop]:
    with serving() as server:
        made = ServedShop(server)
        made.configure(
            intro_text="You bought from us last week. We would love to know how it went.",
            highlight_color="#0f766e",
        )
        yield made


@dataclass
class Window:
    """A browser's window, and what is seen in it."""

    page: Page
    folder: Path
    name: str

    def open(self, url: str) -> Page:
        self.page.goto(url)
        return self.page

    def look(self, what: str) -> None:
        """Take a screenshot, and let axe look for what keeps people out."""
        self.page.screenshot(path=self.folder / f"{self.name}-{what}.png", full_page=True)
        found = Axe().run(self.page).response
        bad = {
            each["id"]: [node["html"] for node in each["nodes"]]
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
        }
        assert bad == {}
        # axe has looked at all: at a blank page it would find nothing either.
        assert len(found["passes"]) > 10
        # Nothing to be scrolled sideways.
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    @cached_property
    def heading(self) -> Any:
        return self.page.get_by_role("heading", level=1)


@pytest.fixture
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens windows: `window(…)`, with whatever a browser's context takes."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    contexts = []

    def open_one(**settings: Any) -> Window:
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]")
        return Window(context.new_page(), SCREENSHOTS, name)

    yield open_one
    for context in contexts:
        context.close()
