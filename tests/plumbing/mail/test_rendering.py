"""Rendering of mails: text and HTML with the same content, no external resources, escaped input."""

import re
from typing import Any

import pytest
from django.test import override_settings
from django.utils import translation

from portico.plumbing.mail import rendering

LINK = "https://portal.example.org/portal/alder-street/link/abc"


def an_invitation(**changes: Any) -> tuple[str, str]:
    context = {
        "practice": {
            "name": "Alder & Street",
            "phone": "(555) 010-0134",
            "takes_replies": True,
            "address": "14 Alder Street",
        },
        "heading": "Your client portal is ready",
        "blocks": [
            {"kind": "text", "text": "Hello <b>Ana</b>,\nsecond line.\n\nSee https://evil.example {{7*7}}"},
            {"kind": "button", "label": "Sign In", "href": LINK},
            {"kind": "text", "text": "Dr. Elm"},
        ],
        "portal_address": "https://portal.example.org/portal/alder-street/",
        "why": "You received this because you agreed to emails from us.",
    }
    return rendering.render("invitation", context | changes)


def test_text_and_html_have_the_same_content() -> None:
    text, html = an_invitation()
    assert f"Sign In:\n{LINK}\n" in text
    assert re.findall(r'href="([^"]+)"', html) == [LINK, "https://portal.example.org/portal/alder-street/"]
    for words in ("Your client portal is ready", "24 hours", "14 Alder Street", "You received this because"):
        assert words in text
        assert words in html


def test_typed_text_is_escaped_and_keeps_its_lines() -> None:
    text, html = an_invitation()
    assert "Hello <b>Ana</b>,\nsecond line.\n\nSee https://evil.example {{7*7}}" in text
    assert "Hello &lt;b&gt;Ana&lt;/b&gt;,<br>second line.</p>" in html
    assert ">See https://evil.example {{7*7}}</p>" in html


def test_the_html_loads_nothing() -> None:
    _text, html = an_invitation()
    assert not re.search(r"<(img|link|script|iframe)|@import|url\(|src=", html)


def test_styles_are_inlined() -> None:
    _text, html = an_invitation()
    (sheet,) = re.findall(r"<style.*?</style>", html, re.DOTALL)
    assert "prefers-color-scheme: dark" in sheet
    assert 'bgcolor="#005a6a"' in html
    assert re.search(r'<a class="press"[^>]+style="[^"]*color: #ffffff', html)


def test_without_a_phone_the_mail_asks_for_a_reply() -> None:
    text, _html = an_invitation(practice={"name": "Alder Street", "takes_replies": True})
    assert "Questions? Reply to this email.\n" in text
    assert text.endswith("Alder Street\n")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86_400, "24 hours"), (3_600, "1 hour"), (900, "15 minutes"), (5_400, "90 minutes"), (60, "1 minute")],
)
def test_durations_in_english(seconds: int, words: str) -> None:
    assert rendering.duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(86_400, "24 horas"), (3_600, "1 hora"), (60, "1 minuto")])
def test_durations_in_spanish(seconds: int, words: str) -> None:
    with translation.override("es"):
        assert rendering.duration(seconds) == words


def test_the_mail_states_the_links_lifetime() -> None:
    with override_settings(SIGNIN_LINK_TTL=600):
        assert "10 minutes" in an_invitation()[0]
