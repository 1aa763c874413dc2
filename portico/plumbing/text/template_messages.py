"""Finds the words of templates for babel, which knows Python but not Django's template language."""

from collections.abc import Collection, Generator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

# Line, words, comments, context, as babel passes them on.
type Found = tuple[int, str | tuple[str, ...], list[str], str | None]


def extract_django(
    source: BinaryIO, keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Generator[Found]:  # Any: babel has no public name for these.
    """Turns a template into calls of gettext, then lets babel read those. Named in scripts/words.py."""
    calls = templatize(source.read().decode(), origin=getattr(source, "name", "template"))
    # Without indentation, at which Python's tokenizer would stumble; line numbers stay.
    flat = "\n".join(line.strip() for line in calls.split("\n"))
    yield from extract_python(BytesIO(flat.encode()), keywords, comment_tags, options)
