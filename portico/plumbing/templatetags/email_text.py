"""What mails need of Django's template language."""

import re

from django import template

register = template.Library()

BLANK_LINES = re.compile(r"\n\s*\n")


@register.filter
def paragraphs(text: str) -> list[str]:
    """Typed text at its blank lines; single line breaks stay within a paragraph."""
    return [part.strip("\n") for part in BLANK_LINES.split(text) if part.strip()]


@register.filter
def unbroken(text: str) -> str:
    """A phone number that parts at the end of a line at its dashes only."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
