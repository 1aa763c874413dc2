"""Template filters for the text of mails."""

import re

from django import template

register = template.Library()

BLANK_LINES = re.compile(r"\n\s*\n")


@register.filter
def paragraphs(text: str) -> list[str]:
    """Splits typed text at blank lines; single line breaks stay within a paragraph."""
    return [part.strip("\n") for part in BLANK_LINES.split(text) if part.strip()]


@register.filter
def unbroken(text: str) -> str:
    """Replaces the spaces of a phone number, so that a line breaks at its hyphens only."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
