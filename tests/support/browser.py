"""Chromium under Playwright: pages of any width and color scheme, with or without JavaScript, and axe."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, Literal

import axe_core_python
import pytest
from django.test import Client as Pages
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from scripts import system_packages

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One process for the pages of a window, and none in advance: a tenth less processor time.
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
]
HEIGHT = 800
expect.set_options(timeout=20_000)
# Only the violations leave the page: axe also describes everything that it checked.
_RUN_AXE = """async rules => (await axe.run(document, rules)).violations.flatMap(violation => violation.nodes.map(
  node => `${violation.id} (${violation.impact}): ${node.target} ${node.failureSummary}`))"""
# Passed rules are not described, and style sheets not fetched: only the rules for audio and video would read them.
# Any: axe's own JSON.
_QUICK: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
AXE_RULES = _QUICK | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The rules whose result may differ in another color scheme.
COLOUR_RULES = _QUICK | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# The rules whose result may differ on a narrow screen, where other menus are shown and things are closer together.
LAYOUT_RULES = _QUICK | {
    "runOnly": {
        "type": "rule",
        "values": [
            *("scrollable-region-focusable", "aria-hidden-focus", "button-name", "link-name"),
            *("label", "landmark-unique", "region", "duplicate-id-aria"),
        ],
    }
}


class Browsing:
    """Opens windows, each with its own cookies, and collects the errors and warnings of the console."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.complaints: list[str] = []
        self._windows: list[BrowserContext] = []

    def window(
        self,
        base_url: str | None = None,
        *,
        javascript: bool = True,
        width: int = 1280,
        colors: Literal["light", "dark"] = "light",
        language: str = "en-US",
    ) -> Page:
        """Opens a page in a new window; with `base_url`, addresses may begin with a slash."""
        context = self.browser.new_context(
            base_url=base_url,
            java_script_enabled=javascript,
            viewport={"width": width, "height": HEIGHT},
            color_scheme=colors,
            locale=language,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        context.on("console", self._listen)
        context.on("weberror", lambda error: self.complaints.append(f"{error.page and error.page.url}: {error.error}"))
        self._windows.append(context)
        return context.new_page()

    def close(self) -> None:
        for context in self._windows:
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        # Chromium logs a status such as 404 as an error too; tests check the status themselves.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.page and message.page.url}: {message.text}")


def carry(page: Page, url: str, signed_in: Pages, cookie: str) -> Page:
    """Copies the session cookie of Django's test client to the window; returns the window."""
    page.context.add_cookies([{"name": cookie, "value": signed_in.cookies[cookie].value, "url": url}])
    return page


@cache
def _axe() -> str:
    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()


def axe(page: Page, rules: dict[str, Any] = AXE_RULES) -> list[str]:
    """Returns the violations that axe finds, a line each. Needs JavaScript; the page's policy stays in force."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_RUN_AXE, rules)
    return found


def prepare_axe(page: Page) -> None:
    """Loads axe with each page that the window opens from now on: quicker than sending it to each."""
    page.context.add_init_script(_axe())


def chromium_path() -> str:
    found = system_packages.browser()
    assert found, "Chromium is missing: run `make packages`."
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Starts the browser, once per test process."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # Playwright keeps an event loop in this thread, in which Django would refuse to touch the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        playwright = stack.enter_context(sync_playwright())
        sandbox = os.geteuid() != 0
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS, chromium_sandbox=sandbox)
        stack.callback(browser.close)
        yield browser


@pytest.fixture
def browsing(chromium: Browser) -> Iterator[Browsing]:
    """Provides windows to a test, which fails if the console shows an error or a warning."""
    windows = Browsing(chromium)
    try:
        yield windows
    finally:
        windows.close()
    assert windows.complaints == []
