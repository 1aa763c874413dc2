"""The browser for tests, under a content security policy."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.support.browser.chromium import Browsing, axe

pytestmark = [pytest.mark.browser, pytest.mark.sqlite]

PAGE = (
    b'<!doctype html><html lang="en"><title>A page</title>'
    b'<link rel="stylesheet" href="/faint.css"><main><h1>A page</h1><img src="/a.png">'
    b"<noscript><p>No script.</p></noscript></main></html>"
)


FAINT = b"h1 { color: #bbb; background: #fff }"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        is_sheet = self.path == "/faint.css"
        self.send_header("Content-Type", "text/css" if is_sheet else "text/html")
        self.send_header("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'")
        self.end_headers()
        self.wfile.write(FAINT if is_sheet else PAGE)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_axe_finds_a_missing_name_and_faint_text_under_a_strict_policy(browsing: Browsing, address: str) -> None:
    page = browsing.window(address, width=320)
    page.goto("/")
    faint, unnamed = axe(page)
    assert faint.startswith("color-contrast (serious): h1")
    assert unnamed.startswith("image-alt (critical)")


def test_a_window_without_javascript_shows_what_noscript_says(browsing: Browsing, address: str) -> None:
    page = browsing.window(address, javascript=False)
    page.goto("/")
    assert page.locator("noscript p").is_visible()


def test_what_the_policy_blocks_is_a_complaint(browsing: Browsing, address: str) -> None:
    page = browsing.window(address)
    page.goto("/")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")
    assert "Content Security Policy" in browsing.complaints.pop()
