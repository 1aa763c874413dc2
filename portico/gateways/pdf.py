"""Renders PDFs with typst from the templates in `portico/print`, without network and without reading other files.

Content is passed as data and never evaluated: markup or code in a name stays text.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typst

TEMPLATES = Path(__file__).resolve().parent.parent / "print"
# A folder that does not exist, so that typst loads no packages.
NO_PACKAGES = TEMPLATES / "packages"
# Replaces a character that no font has; visible, read aloud by screen readers, and known to mean a missing one.
REPLACEMENT_CHARACTER = "\ufffd"
# Every character below this one has a font.
BEYOND_LATIN = "\u0250"
_NO_GLYPH = "could not be displayed"
# A word of 35 letters or more fits no column; it may break after every tenth letter.
_LONG_WORD = re.compile(r"\w{35,}")


def render(template: str, content: Mapping[str, Any]) -> bytes:  # Any: the template's own JSON.
    """Returns the template with this content as an accessible PDF (PDF/UA-1): tagged, with language and title.

    The standard forbids characters that no font has (an emoji in a name): REPLACEMENT_CHARACTER takes their place,
    and `undrawable_characters` lists them for staff.
    """
    for change in (str, _with_replacements):
        with suppress(_GlyphMissing):
            return _compile(template, _each_text(content, change))
    # Characters that have a font each, but none for their combination.
    return _compile(template, _each_text(content, _latin_only))


def undrawable_characters(*texts: str) -> str:
    """Returns the characters in the texts that no font of ours has, each once, in the order of the texts."""
    return "".join(dict.fromkeys(each for text in texts if not _is_drawable(text) for each in _undrawable(text)))


class _GlyphMissing(Exception):
    """No font has a character of the content, or the combination of two."""


def _compile(template: str, content: Mapping[str, Any]) -> bytes:
    """Returns the PDF. Raises _GlyphMissing."""
    import typst  # noqa: PLC0415 - 7 MB, which only a process that renders a PDF needs

    try:
        return typst.compile(
            TEMPLATES / f"{template}.typ",
            root=TEMPLATES,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
            sys_inputs={"data": json.dumps(_each_text(content, _break_long_words))},
            package_path=NO_PACKAGES,
        )
    except typst.TypstError as error:
        if _NO_GLYPH in error.message:
            raise _GlyphMissing from error
        raise


def _each_text(content: Any, change: Callable[[str], str]) -> Any:  # Any: JSON.
    match content:
        case str():
            return change(content)
        case Mapping():
            return {name: _each_text(each, change) for name, each in content.items()}
        case list() | tuple():
            return [_each_text(each, change) for each in content]
        case _:
            return content


def _is_drawable(text: str) -> bool:
    return all(character < BEYOND_LATIN for character in text) or _has_font(text)


def _undrawable(text: str) -> str:
    # If each character has a font, no font has their combination: then all beyond Latin are meant.
    return "".join(each for each in text if not _has_glyph(each)) or "".join(
        each for each in text if each >= BEYOND_LATIN
    )


def _with_replacements(text: str) -> str:
    return "".join(each if _has_glyph(each) else REPLACEMENT_CHARACTER for each in text)


def _latin_only(text: str) -> str:
    return "".join(each if each < BEYOND_LATIN else REPLACEMENT_CHARACTER for each in text)


def _has_glyph(character: str) -> bool:
    # Control characters, joiners and separators need no glyph.
    return character < BEYOND_LATIN or unicodedata.category(character)[0] in "CZ" or _has_font(character)


@lru_cache(maxsize=4096)
def _has_font(text: str) -> bool:
    """Returns True if typst finds a font for the text; compiling it takes some milliseconds."""
    try:
        _compile("probe", {"text": text})
    except _GlyphMissing:
        return False
    return True


def _break_long_words(text: str) -> str:
    return _LONG_WORD.sub(_with_breaks, text)


def _with_breaks(word: re.Match[str]) -> str:
    letters = word[0]
    return "\u200b".join(letters[start : start + 10] for start in range(0, len(letters), 10))


@cache
def _fonts() -> "typst.Fonts":
    import typst  # noqa: PLC0415 - as above

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[TEMPLATES / "fonts"])
