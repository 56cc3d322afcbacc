"""A real browser before the phone page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PHONE, DESK = (390, 844), (1440, 900)
SCREENSHOTS = Path(__file__).parent / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)


def installed_browser() -> str | None:
    """The path of an installed Chromium or Chrome."""
    on_path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    return on_path or next((str(each) for each in APPLICATIONS if each.exists()), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser; without one the test says so.

    Playwright holds the thread's event loop while it runs, so it must end before the next module's asynchronous tests.
    """
    executable = installed_browser()
    if executable is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, of the size that the test asks for. What goes wrong in its scripts fails the test."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.originalname}-end.png")
    context.close()
    assert errors == []
