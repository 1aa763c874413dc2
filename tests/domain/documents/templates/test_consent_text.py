"""The text of a consent as HTML and as blocks: the same words, and nothing that was typed as markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.documents.templates import consent_text

TEXT = "# Risks\n\nI *agree* to **all** of it.\n\n- one\n- two\n\n> quoted"
PARTS = st.sampled_from(
    ["# ", "\n\n", "- ", "1. ", "> ", "*", "**", "`", "<b>", "&amp;", "[x](y)", "![", "word", " ", "\n"]
)


def test_headings_emphasis_and_lists_are_shown() -> None:
    html = consent_text.to_html(TEXT)
    for part in ("<h2>Risks</h2>", "<em>agree</em>", "<strong>all</strong>", "<li>one</li>", "<blockquote>"):
        assert part in html


@pytest.mark.parametrize(
    "typed",
    ["<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://example.com/x.png)", "https://example.com"],
)
def test_html_links_and_images_stay_text(typed: str) -> None:
    html = consent_text.to_html(typed)
    assert re.findall(r"<(\w+)", html) == ["p"]


@pytest.mark.parametrize(
    ("typed", "levels"),
    [
        ("### Deep\n\ntext", ["2"]),
        ("# One\n\n###### Six", ["2", "3"]),
        ("# One\n\n## Two\n\n# Three", ["2", "3", "2"]),
    ],
)
def test_no_level_of_headings_is_left_out(typed: str, levels: list[str]) -> None:
    # The page's own heading is the first level.
    assert re.findall(r"<h(\d)>", consent_text.to_html(typed)) == levels


@given(st.lists(PARTS, max_size=20).map("".join))
def test_page_and_pdf_have_the_same_words(text: str) -> None:
    html = re.sub(r"<[^>]+>", " ", consent_text.to_html(text))
    for written, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        html = html.replace(written, character)
    assert _squeezed(html) == _squeezed(_words(consent_text.blocks(text)))


def _words(blocks: list[consent_text.Block]) -> str:
    own = [
        "".join(span["text"] for span in block.get("spans", []))
        + "".join(_words(item) for item in block.get("items", []))
        for block in blocks
    ]
    return "".join(own)


def _squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" \n", "Enter a text"),
        ("a" * 50_001, "at most 50000 characters"),
        ("4111 1111 1111 1111", "looks like a card number"),
        ("a\u202eb", "can’t be saved"),
    ],
)
def test_a_text_that_cannot_be_used_has_its_sentence(text: str, sentence: str) -> None:
    assert sentence in str(consent_text.find_error(text))
