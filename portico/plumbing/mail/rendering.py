"""Renders the two bodies of a mail from its templates: text, and HTML that old mail programs support."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext

if TYPE_CHECKING:
    from css_inline import CSSInliner

MANY_BLANK_LINES = re.compile(r"\n{3,}")


def render(name: str, context: Mapping[str, Any]) -> tuple[str, str]:  # Any: the template's own context.
    """Returns the text and the HTML of `emails/<name>/`, in the active language."""
    full_context = {"language": get_language() or "en", "link_works_for": duration(settings.SIGNIN_LINK_TTL)} | dict(
        context
    )
    text = render_to_string(f"emails/{name}/body.txt", full_context)
    html = render_to_string(f"emails/{name}/body.html", full_context)
    return _tidy(text), _inliner().inline(html)


def duration(length: int | timedelta) -> str:
    """Returns a number of seconds or a period in words: "24 hours", "15 minutes"."""
    seconds = int(length.total_seconds()) if isinstance(length, timedelta) else length
    hours, rest = divmod(seconds, 3600)
    if hours and not rest:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    minutes = seconds // 60
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


@cache
def _inliner() -> "CSSInliner":
    """Returns what moves the rules of style sheets into the elements, except media queries. Nothing is fetched.

    Mail programs drop style sheets.
    """
    from css_inline import CSSInliner  # noqa: PLC0415 - only the worker composes mails

    return CSSInliner(
        inline_style_tags=True, keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False
    )


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return MANY_BLANK_LINES.sub("\n\n", lines) + "\n"
