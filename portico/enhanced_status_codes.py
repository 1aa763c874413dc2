"""Enhanced status codes of mail systems (RFC 3463), such as "5.1.1", in what servers and providers write."""

import re

# A full stop may follow, as at the end of a sentence; "5.1.1.7" is an address.
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)", re.ASCII)


def is_code(text: str) -> bool:
    """Returns True if the text is a code and nothing else."""
    return _CODE.fullmatch(text) is not None


def leading_in(text: str) -> str:
    """Returns the code with which the text begins; empty if there is none."""
    found = _CODE.match(text.lstrip())
    return found[0] if found else ""


def all_in(text: str) -> list[str]:
    """Returns every code in the text, in order."""
    return _CODE.findall(text)
