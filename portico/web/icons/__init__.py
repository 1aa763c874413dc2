"""Lucide icons as inline SVG."""

import json
from functools import cache
from importlib.resources import files

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


class UnknownIcon(LookupError):
    """Raised for an icon that is not in lucide.json."""


@cache
def shapes_by_name() -> dict[str, str]:
    """Returns the SVG content of every icon by its Lucide name."""
    shapes: dict[str, str] = json.loads(files(__name__).joinpath("lucide.json").read_text("utf-8"))
    return shapes


@cache
def svg(name: str) -> SafeString:
    """Returns the icon as SVG, hidden from screen readers: the text beside it has the meaning. Raises UnknownIcon."""
    if name not in shapes_by_name():
        raise UnknownIcon(name)
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false" viewBox="0 0 24 24">{}</svg>',
        mark_safe(shapes_by_name()[name]),  # noqa: S308 (our own file, not user input)
    )
