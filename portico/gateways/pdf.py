"""PDFs by typst, from our own templates in `portico/print`: tagged, without network, reading nothing else.

What is shown comes as data and is never evaluated: markup or code in a name stays text.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).resolve().parent.parent / "print"
# Also the folder for typst's packages, which is not there: nothing is loaded from elsewhere.
NO_PACKAGES = TEMPLATES / "packages"
# Stands for a sign that no font has: it is seen, read aloud, and known for something that is missing.
REPLACEMENT_CHARACTER = "\ufffd"
# All letters before this one have a font.
BEYOND_LATIN = "\u0250"
_UNDRAWN = "could not be displayed"
# A word of so many letters fits in no column: it may be broken after every tenth of them.
_ENDLESS = re.compile(r"\w{35,}")


def render(template: str, content: Mapping[str, Any]) -> bytes:  # Any: whatever JSON the template shows.
    """The template with this content as a PDF for everybody (PDF/UA-1), tagged, with its language and title.

    The standard refuses a sign that no font has (an emoji in a name): INSTEAD stands in its place, and
    `without_letters` tells staff of it.
    """
    for change in (str, _drawable):
        try:
            return _compiled(template, _each_text(content, change))
        except typst.TypstError as error:
            if _UNDRAWN not in error.message:
                raise
    # Signs of several fonts that only together make a letter.
    return _compiled(template, _each_text(content, _latin))


def undrawable_characters(*texts: str) -> str:
    """The signs in the texts that no font of ours has, each once, in the order of the texts."""
    return "".join(dict.fromkeys(sign for text in texts if not _has_letters(text) for sign in _lacking(text)))


def _compiled(template: str, content: Mapping[str, Any]) -> bytes:
    return typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["ua-1"],
        sys_inputs={"data": json.dumps(_each_text(content, _breakable))},
        package_path=NO_PACKAGES,
    )


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


def _has_letters(text: str) -> bool:
    return all(sign < BEYOND_LATIN for sign in text) or _has_a_font(text)


def _lacking(text: str) -> str:
    """Each has a font, perhaps, and no font has them together."""
    return "".join(sign for sign in text if not _is_drawn(sign)) or "".join(
        sign for sign in text if sign >= BEYOND_LATIN
    )


def _drawable(text: str) -> str:
    return "".join(sign if _is_drawn(sign) else REPLACEMENT_CHARACTER for sign in text)


def _latin(text: str) -> str:
    return "".join(sign if sign < BEYOND_LATIN else REPLACEMENT_CHARACTER for sign in text)


def _is_drawn(sign: str) -> bool:
    # What joins and separates is nothing to draw.
    return sign < BEYOND_LATIN or unicodedata.category(sign)[0] in "CZ" or _has_a_font(sign)


@lru_cache(maxsize=4096)
def _has_a_font(text: str) -> bool:
    """As typst says itself, which takes some milliseconds."""
    try:
        _compiled("probe", {"text": text})
    except typst.TypstError as error:
        if _UNDRAWN not in error.message:
            raise
        return False
    return True


def _breakable(text: str) -> str:
    return _ENDLESS.sub(_with_breaks, text)


def _with_breaks(word: re.Match[str]) -> str:
    letters = word[0]
    return "\u200b".join(letters[start : start + 10] for start in range(0, len(letters), 10))


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[TEMPLATES / "fonts"])
