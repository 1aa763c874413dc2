"""Chromium under Playwright: pages of any width and color scheme, with or without JavaScript, and axe."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

import axe_core_python
import pytest
from django.test import Client as Pages
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from scripts import system_packages

type Colors = Literal["light", "dark"]
type Rules = dict[str, Any]  # Any: axe's own JSON.

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
AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
expect.set_options(timeout=20_000)
# Only the violations leave the page: axe also describes everything that it checked.
_RUN_AXE = """async rules => (await axe.run(document, rules)).violations.flatMap(violation => violation.nodes.map(
  node => `${violation.id} (${violation.impact}): ${node.target} ${node.failureSummary}`))"""
_CONTENT = """() => [
  [...document.documentElement.attributes].map(({name, value}) => [name, value]),
  document.documentElement.innerHTML,
  innerWidth,
  matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
]"""
_SHOW = """async ([attributes, content]) => {
  const root = document.documentElement;
  root.getAttributeNames().forEach(name => root.removeAttribute(name));
  attributes.forEach(([name, value]) => root.setAttribute(name, value));
  root.innerHTML = content;
  const sheets = [...document.querySelectorAll('link[rel=stylesheet]')].filter(link => !link.sheet);
  await Promise.all(sheets.map(link => new Promise(done => link.onload = link.onerror = done)));
}"""
# Passed rules are not described, and style sheets not fetched: only the rules for audio and video would read them.
_QUICK: Rules = {"resultTypes": ["violations"], "preload": False}
AXE_RULES = _QUICK | {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The rules whose result may differ in another color scheme.
COLOUR_RULES = _QUICK | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


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
        colors: Colors = "light",
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


class AxeWindow:
    """A window in which axe looks at copies of pages.

    Loading and compiling axe takes longer than its run: here it happens once, in the pages themselves each time.
    """

    def __init__(self, browser: Browser) -> None:
        self._page = browser.new_page(reduced_motion="reduce")
        self._site = ""

    def copy(self, page: Page, *, width: int | None, colors: Colors | None) -> Page:
        if self._site != urljoin(page.url, "/"):
            # A page of the same site, and so under the same policy.
            self._page.goto(page.url)
            self._page.evaluate(AXE.read_text())
            self._site = urljoin(page.url, "/")
        attributes, content, own_width, own_colors = page.evaluate(_CONTENT)
        self._page.set_viewport_size({"width": width or own_width, "height": HEIGHT})
        self._page.emulate_media(color_scheme=colors or own_colors)
        self._page.evaluate(_SHOW, [attributes, content])
        return self._page


_axe_windows: dict[Browser, AxeWindow] = {}


def copied(page: Page, *, width: int | None = None, colors: Colors | None = None) -> Page:
    """Returns a copy of the page as it is now, in this or its own width and color scheme, until the next is made."""
    browser = page.context.browser
    assert browser is not None
    window = _axe_windows.get(browser) or _axe_windows.setdefault(browser, AxeWindow(browser))
    return window.copy(page, width=width, colors=colors)


def axe(page: Page, rules: Rules = AXE_RULES) -> list[str]:
    """Returns the violations that axe finds, a line each. Needs JavaScript; the page's policy stays in force."""
    return axe_in_copy(copied(page), rules)


def axe_in_copy(copy: Page, rules: Rules = AXE_RULES) -> list[str]:
    found: list[str] = copy.evaluate(_RUN_AXE, rules)
    return found


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
