"""A Babel extractor of messages from Django templates."""

from collections.abc import Collection, Generator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

# Line number, message, comments and context, as Babel yields them.
type Message = tuple[int, str | tuple[str, ...], list[str], str | None]


def extract_django(
    source: BinaryIO, keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Generator[Message]:  # Any: Babel has no public type for these.
    """Converts a template into gettext calls, from which Babel extracts. Named in scripts/words.py."""
    calls = templatize(source.read().decode(), origin=getattr(source, "name", "template"))
    # Indentation would be a syntax error for Python's tokenizer; line numbers stay the same.
    flat = "\n".join(line.strip() for line in calls.split("\n"))
    yield from extract_python(BytesIO(flat.encode()), keywords, comment_tags, options)
