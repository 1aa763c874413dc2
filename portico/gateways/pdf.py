"""PDFs by typst, from our own templates in `portico/print`: tagged, without network, reading nothing else.

What is shown comes as data and is never evaluated: markup or code in a name stays text.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import typst

TEMPLATES = Path(__file__).resolve().parent.parent / "print"
# Also the folder for typst's packages, which is not there: nothing is loaded from elsewhere.
NO_PACKAGES = TEMPLATES / "packages"
# A word of so many letters fits in no column: it may be broken after every tenth of them.
_ENDLESS = re.compile(r"\w{35,}")


def made(template: str, content: Mapping[str, Any]) -> bytes:  # Any: whatever JSON the template shows.
    """The template with this content as a PDF for everybody (PDF/UA-1), tagged, with its language and title.

    The standard refuses a sign that no font has (an emoji in a name); then the PDF is tagged all the same,
    and shows a box in its place.
    """
    try:
        return _compiled(template, content, standard="ua-1")
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        return _compiled(template, content)


def _compiled(template: str, content: Mapping[str, Any], *, standard: Literal["1.7", "ua-1"] = "1.7") -> bytes:
    return typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=[standard],
        sys_inputs={"data": json.dumps(_breakable(content))},
        package_path=NO_PACKAGES,
    )


def _breakable(content: Any) -> Any:  # Any: JSON.
    match content:
        case str():
            return _ENDLESS.sub(_with_breaks, content)
        case Mapping():
            return {name: _breakable(each) for name, each in content.items()}
        case list() | tuple():
            return [_breakable(each) for each in content]
        case _:
            return content


def _with_breaks(word: re.Match[str]) -> str:
    letters = word[0]
    return "\u200b".join(letters[start : start + 10] for start in range(0, len(letters), 10))


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[TEMPLATES / "fonts"])
