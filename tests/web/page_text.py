"""Pages as they are read: words alone, in one line."""

import re
from html import unescape


def plain(page: bytes) -> str:
    """Without markup; what stood in two elements is two words."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.decode())))
