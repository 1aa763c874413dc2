"""The text of a consent: Markdown without HTML, links, images and code, as HTML and as blocks for a PDF.

Both come from the same tokens, so that the page that is signed and its PDF have the same words in the same order.
"""

from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from portico.plumbing.text.input_validation import clean_text, holds_card_number

MAX_CHARACTERS = 50_000
# The rules of CommonMark that are on; everything else stays as it was typed.
_RULES = ["heading", "list", "blockquote", "emphasis", "escape", "newline"]
_MARKDOWN = MarkdownIt("zero", {"breaks": True, "maxNesting": 20}).enable(_RULES)
# The page's own heading is at this level.
_TITLE = 1
_LOWEST_HEADING = 4

# A part of the text: "kind" is heading, paragraph, bullets, numbers or quote; a heading has "level" (1 to 3).
# "spans" are pieces of text with "bold" and "italic"; "items" are the blocks of each item of a list, or of the quote.
# Any: JSON.
type Block = dict[str, Any]


def find_error(text: str) -> str | None:
    """Returns a sentence about why the text can't be used, or None."""
    if not text.strip():
        return _("Enter a text.")
    if len(text) > MAX_CHARACTERS:
        return _("Enter at most %(limit_value)d characters. You entered %(show_value)d.") % {
            "limit_value": MAX_CHARACTERS,
            "show_value": len(text),
        }
    if holds_card_number(text):
        return _("This looks like a card number. Remove it. Nothing was saved.")
    return None if clean_text(text) == text else _("This text contains a character that can’t be saved.")


def to_html(text: str) -> SafeString:
    """Returns the text as HTML, in which everything that was typed is escaped."""
    tokens = _MARKDOWN.parse(text)
    level = _TITLE
    for token in tokens:
        if token.type == "heading_open":
            # One below the heading before it at most: screen readers go by levels.
            level = min(int(token.tag[1]) + _TITLE, level + 1, _LOWEST_HEADING)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{level}"
    # The renderer escapes all text, and no rule that passes HTML or addresses on is enabled.
    html: SafeString = mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S308 - see above
    return html


def blocks(text: str) -> list[Block]:
    """Returns the text as blocks, for a PDF."""
    return _blocks(SyntaxTreeNode(_MARKDOWN.parse(text)).children)


def number_of_words(text: str) -> int:
    return len(text.split())


def _blocks(nodes: list[SyntaxTreeNode]) -> list[Block]:
    return [_block(node) for node in nodes]


def _block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return {"kind": "heading", "level": min(int(node.tag[1]), 3), "spans": _spans(node)}
        case "bullet_list":
            return {"kind": "bullets", "items": [_blocks(item.children) for item in node.children]}
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            return {"kind": "numbers", "start": start, "items": [_blocks(item.children) for item in node.children]}
        case "blockquote":
            return {"kind": "quote", "items": [_blocks(node.children)]}
        case _:
            return {"kind": "paragraph", "spans": _spans(node)}


def _spans(node: SyntaxTreeNode) -> list[dict[str, Any]]:  # Any: text and two booleans.
    """Returns the pieces of a paragraph or heading; a line break is the text "\\n"."""
    spans: list[dict[str, Any]] = []
    bold = italic = 0
    inline: list[Token] = node.children[0].token.children or [] if node.children and node.children[0].token else []
    for token in inline:
        bold += token.nesting if token.tag == "strong" else 0
        italic += token.nesting if token.tag == "em" else 0
        content = "\n" if token.type in {"hardbreak", "softbreak"} else token.content
        if content and not token.nesting:
            spans.append({"text": content, "bold": bold > 0, "italic": italic > 0})
    return spans
