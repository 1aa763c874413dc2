"""Text folding for search: lower case, plain letters, one kind of apostrophe and hyphen."""

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, and whose name does not contain a plain letter.
_SPELLED = {
    "æ": "ae",
    "œ": "oe",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "ȷ": "j",
    "ŋ": "n",
    "ĸ": "k",
    "ə": "e",
    "ǝ": "e",
    "ɛ": "e",
    "ɔ": "o",
    "ɪ": "i",
    "ʊ": "u",
    "ɣ": "g",
    "ɵ": "o",
    "ʃ": "s",
    "ʉ": "u",
    "ƿ": "w",
    "ʒ": "z",
    "ƒ": "f",
}
_APOSTROPHES = "'`´‘’‚‛′‵ʹʻʼʽʾʿˈˊˋ՚׳＇‹›ꞌ❛❜"
_HYPHENS = "-‐‑‒–—―−⁃﹘﹣－‧·•"
# ł is "LATIN SMALL LETTER L WITH STROKE"; letters with a hook, tail or bar are named alike.
_NAMED = re.compile(r"LATIN SMALL LETTER ([A-Z]{1,2}) WITH ")
# Transliterations of German and Scandinavian letters, as in passports (ICAO 9303).
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


def folded(text: str) -> str:
    """Returns the text in lower case and plain letters: Zoë and ZOE are "zoe", Łukasz is "lukasz".

    Apostrophes and hyphens of every kind become ' and -, digits of every script 0 to 9. Idempotent.
    """
    # Twice: some characters decompose into capitals.
    return _plain(_plain(text.casefold()).casefold())


def folded_with_two_letters(text: str) -> str:
    """Returns the text as `folded` does, but with ae, oe, ue and aa for ä, ö, ü, ø and å: Müller is "mueller"."""
    return folded(unicodedata.normalize("NFC", text.casefold()).translate(_TWO_LETTERS))


def ascii_forms(text: str) -> str:
    """Returns the text with digits of every script and full-width forms as ASCII: １４０．５０ and ١٤٠ are 140."""
    return "".join(_ascii_form(character) for character in text)


def _plain(text: str) -> str:
    return "".join(_plain_character(character) for character in unicodedata.normalize("NFKD", _unify_punctuation(text)))


def _unify_punctuation(text: str) -> str:
    """Replaces all apostrophes and hyphens; before decomposing, which turns ´ into a space with an accent."""
    return text.translate(_PUNCTUATION)


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return ""
    if ord(character) in _PUNCTUATION:
        return _PUNCTUATION[ord(character)]
    named = _NAMED.match(unicodedata.name(character, ""))
    return named[1].lower() if named else _ascii_form(character)


@lru_cache(maxsize=4096)
def _ascii_form(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else character


_PUNCTUATION = {ord(each): "'" for each in _APOSTROPHES} | {ord(each): "-" for each in _HYPHENS}
