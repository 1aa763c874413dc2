"""Renders the two bodies of a mail from its templates: text, and HTML that old mail programs support."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext

# Mail programs drop style sheets; rules without a media query are inlined into the elements. Nothing is fetched.
INLINER = css_inline.CSSInliner(
    inline_style_tags=True,
    keep_style_tags=False,
    keep_link_tags=False,
    load_remote_stylesheets=False,
)
MANY_BLANK_LINES = re.compile(r"\n{3,}")


def render(name: str, context: Mapping[str, Any]) -> tuple[str, str]:  # Any: the template's own context.
    """Returns the text and the HTML of `emails/<name>/`, in the active language."""
    full_context = {"language": get_language() or "en", "link_works_for": duration(settings.SIGNIN_LINK_TTL)} | dict(
        context
    )
    text = render_to_string(f"emails/{name}/body.txt", full_context)
    html = render_to_string(f"emails/{name}/body.html", full_context)
    return _tidy(text), INLINER.inline(html)


def duration(length: int | timedelta) -> str:
    """Returns a number of seconds or a period in words: "24 hours", "15 minutes"."""
    seconds = int(length.total_seconds()) if isinstance(length, timedelta) else length
    hours, rest = divmod(seconds, 3600)
    if hours and not rest:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    minutes = seconds // 60
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return MANY_BLANK_LINES.sub("\n\n", lines) + "\n"
