"""Folding: text typed without accents matches text with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.text import folding


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Łukasz", "lukasz"),
        ("Björn", "bjorn"),
        ("Đặng", "dang"),
        ("Straße", "strasse"),
        ("STRAẞE", "strasse"),
        ("Ærø", "aero"),
        ("Œuvrard", "oeuvrard"),
        ("Þórður", "thordur"),
        ("Işık", "isik"),
        ("İnci", "inci"),
        ("Ħamrun", "hamrun"),
        ("Ŋala", "nala"),
        ("Ŧ", "t"),
        ("Ɓala", "bala"),
        ("Əliyev", "eliyev"),
        ("Nguyễn", "nguyen"),
        ("ﬁona", "fiona"),
        ("Ｚｏｅ", "zoe"),
    ],
)
def test_letters_become_plain_ones(written: str, plain: str) -> None:
    assert folding.folded(written) == plain


@pytest.mark.parametrize("apostrophe", "'’‘`´ʼʻ′＇")
def test_apostrophes_are_unified(apostrophe: str) -> None:
    assert folding.folded(f"O{apostrophe}Brien") == "o'brien"


@pytest.mark.parametrize("hyphen", "-‐‑–—−－")
def test_hyphens_are_unified(hyphen: str) -> None:
    assert folding.folded(f"Jean{hyphen}Luc") == "jean-luc"


@pytest.mark.parametrize(
    ("written", "spelled"),
    [("Müller", "mueller"), ("Mu\u0308ller", "mueller"), ("Sørensen", "soerensen"), ("Ærø", "aeroe"), ("Åse", "aase")],
)
def test_umlauts_may_be_spelled_with_two_letters(written: str, spelled: str) -> None:
    assert folding.folded_with_two_letters(written) == spelled


@given(st.text(max_size=40))
def test_folding_is_idempotent(text: str) -> None:
    assert folding.folded(folding.folded(text)) == folding.folded(text)


@pytest.mark.parametrize("letter", [chr(code) for code in range(0xC0, 0x180) if chr(code).isalpha()])
def test_every_letter_of_european_keyboards_becomes_ascii(letter: str) -> None:
    plain = folding.folded(letter)
    assert plain.isascii()
    assert plain.strip("'-").isalpha()


@pytest.mark.parametrize(
    ("typed", "read"),
    [("１４０．５０", "140.50"), ("١٤٠", "140"), ("१२", "12"), ("Ｋ７Ｍ", "K7M"), ("5²", "5²"), ("½", "½")],
)
def test_digits_of_other_scripts_become_ascii(typed: str, read: str) -> None:
    assert folding.ascii_forms(typed) == read
