"""Folding: what people type without accents finds what is written with them."""

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
def test_letters_become_the_plain_ones_people_type(written: str, plain: str) -> None:
    assert folding.folded(written) == plain


@pytest.mark.parametrize("apostrophe", "'’‘`´ʼʻ′＇")
def test_every_apostrophe_is_one(apostrophe: str) -> None:
    assert folding.folded(f"O{apostrophe}Brien") == "o'brien"


@pytest.mark.parametrize("hyphen", "-‐‑–—−－")
def test_every_hyphen_is_one(hyphen: str) -> None:
    assert folding.folded(f"Jean{hyphen}Luc") == "jean-luc"


@pytest.mark.parametrize(
    ("written", "spelled"),
    [("Müller", "mueller"), ("Mu\u0308ller", "mueller"), ("Sørensen", "soerensen"), ("Ærø", "aeroe"), ("Åse", "aase")],
)
def test_german_and_nordic_letters_may_be_spelled_with_two(written: str, spelled: str) -> None:
    assert folding.folded_with_two_letters(written) == spelled


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
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
def test_digits_of_every_keyboard_are_read(typed: str, read: str) -> None:
    assert folding.ascii_forms(typed) == read
