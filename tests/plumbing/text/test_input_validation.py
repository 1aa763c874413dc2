"""Input validation: typed text is cleaned, or refused with a sentence."""

import unicodedata

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.text.input_validation import LineField, TextField, clean_line, clean_text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ana   María ", "Ana María"),
        ("Ana\r\nBcc: eve@example.org", "Ana Bcc: eve@example.org"),
        ("Ana\u2028Bcc: x\u2029y\x85z", "Ana Bcc: x y z"),
        ("An\u202ea\u200f \x07Avery\x1b[31m", "Ana Avery[31m"),
        ("a\tb", "a b"),
        ("\u200b\ufeff\u2060", ""),
        ("\u200d\u200c", ""),
        ("Cafe\u0301", "Café"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("{{7*7}} <b>", "{{7*7}} <b>"),
    ],
)
def test_a_line_is_cleaned(typed: str, kept: str) -> None:
    assert clean_line(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Hello,\r\n\r\nplease  press.  \r\n", "Hello,\n\nplease  press."),
        ("a\rb\u2028c\x85d", "a\nb\nc\nd"),
        ("a\x00b\u202ec", "abc"),
        ("\n \n", ""),
    ],
)
def test_a_text_keeps_its_lines(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@given(st.text())
def test_cleaning_a_line_is_idempotent(typed: str) -> None:
    line = clean_line(typed)

    assert clean_line(line) == line
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(sign) == "Cc" for sign in line)


@given(st.text())
def test_cleaning_a_text_is_idempotent(typed: str) -> None:
    text = clean_text(typed)

    assert clean_text(text) == text
    assert {sign for sign in text if unicodedata.category(sign) == "Cc"} <= {"\n"}


class Typed(forms.Form):
    name = LineField(max_length=20)
    message = TextField(required=False)


def test_fields_return_cleaned_values() -> None:
    form = Typed({"name": " An\u202ea\n", "message": "one\r\ntwo\u202e"})

    assert form.is_valid()
    assert form.cleaned_data == {"name": "Ana", "message": "one\ntwo"}


def test_a_shown_text_ends_its_lines_like_a_stored_one() -> None:
    assert Typed({"name": "", "message": "one\r\n\r\ntwo "})["message"].value() == "one\n\ntwo "


@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
@pytest.mark.parametrize("field", ["name", "message"])
def test_unstorable_text_is_refused_with_a_sentence(field: str, sign: str) -> None:
    form = Typed({"name": "Ana", "message": ""} | {field: f"A{sign}na"})

    assert form.errors[field] == ["This text contains a character that can’t be saved. Please enter it again."]


def test_an_invisible_name_is_refused() -> None:
    assert "name" in Typed({"name": "\u200b\u200d"}).errors


def test_the_length_limit_applies_to_the_cleaned_text() -> None:
    assert Typed({"name": "Ana" + " " * 50_000}).is_valid()
    assert "name" in Typed({"name": "A" * 50_000}).errors
