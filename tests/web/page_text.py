"""Converts pages to plain text."""

import re
from html import unescape


def plain(page: bytes) -> str:
    """Returns the page without markup, with spaces between elements."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.decode())))
