"""A mail's two bodies from its pair of templates: text, and HTML that old mail programs understand."""

import re
from collections.abc import Mapping
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext

# Mail programs drop style sheets; what has no media query goes into each element. Nothing is fetched.
INLINER = css_inline.CSSInliner(
    inline_style_tags=True,
    keep_style_tags=False,
    keep_link_tags=False,
    load_remote_stylesheets=False,
)
MANY_BLANK_LINES = re.compile(r"\n{3,}")


def render(name: str, context: Mapping[str, Any]) -> tuple[str, str]:  # Any: whatever the template shows.
    """The text and the HTML of `emails/<name>/`, in the active language."""
    whole = {"language": get_language() or "en", "link_works_for": duration(settings.SIGNIN_LINK_TTL)} | dict(context)
    text = render_to_string(f"emails/{name}/body.txt", whole)
    html = render_to_string(f"emails/{name}/body.html", whole)
    return _tidy(text), INLINER.inline(html)


def duration(seconds: int) -> str:
    """In words: "24 hours", "15 minutes"."""
    hours, rest = divmod(seconds, 3600)
    if hours and not rest:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    minutes = seconds // 60
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return MANY_BLANK_LINES.sub("\n\n", lines) + "\n"
