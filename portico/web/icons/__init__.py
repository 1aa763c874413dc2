"""The icons of the product: Lucide, drawn into the page."""

import json
from functools import cache
from importlib.resources import files

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


class UnknownIcon(LookupError):
    """A template asked for an icon that nobody has drawn."""


@cache
def drawings() -> dict[str, str]:
    """Every icon's shapes, by its Lucide name."""
    drawn: dict[str, str] = json.loads(files(__name__).joinpath("lucide.json").read_text("utf-8"))
    return drawn


@cache
def svg(name: str) -> SafeString:
    """The icon as markup. It is decoration: the words beside it carry the meaning."""
    if name not in drawings():
        raise UnknownIcon(name)
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false" viewBox="0 0 24 24">{}</svg>',
        mark_safe(drawings()[name]),  # noqa: S308 (our own file, no one's input)
    )
