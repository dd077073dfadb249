"""The pages, served over HTTP out of memory, before the eyes of a real Chromium."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.support.pages import ServedShop
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


# Not for the session: while Playwright runs, no other test in this thread has an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("There is no chromium. `make conformance` installs it: see local/chromium.sh.")
    with sync_playwright() as playwright:
        # Its sandbox needs a right that containers lack; it opens nothing but pages of ours.
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def shop() -> Iterator[ServedShop]:
    with serving() as server:
        yield ServedShop(server)
