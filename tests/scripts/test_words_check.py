"""`make check` finds a translation with a word that docs/spanish-terms.md bans."""

import re

from babel.messages.catalog import Catalog

from scripts import words

TABLE = """
| English | Spanish | Never |
|---|---|---|
| amount | monto | importe, cantidad de dinero |
| PIN | PIN | |
"""


# Lifetimes and sizes, which a sentence takes from their constant.
WRITTEN_OUT = re.compile("[0-9](?: |\u00a0)(?:minutes?|hours?|MB)\\b")


def test_no_sentence_repeats_a_lifetime_or_a_size() -> None:
    sentences = [str(message.id) for message in words._found() if message.id]
    assert WRITTEN_OUT.search("It works for 15 minutes.")
    assert [sentence for sentence in sentences if WRITTEN_OUT.search(sentence)] == []


def complaints(english: str | tuple[str, str], spanish: str | tuple[str, str]) -> list[str]:
    catalog = Catalog(locale="es")
    catalog.add(english, spanish)
    return words.banned_terms(catalog, TABLE)


def test_a_good_translation_has_no_complaint() -> None:
    assert complaints("Amount", "Monto") == []


def test_a_banned_term_is_found_in_any_letter_case() -> None:
    assert complaints("Amount paid", "Importe pagado") == [
        "Spanish says “Importe” (docs/spanish-terms.md): 'Amount paid'"
    ]


def test_a_banned_term_is_found_in_the_plural() -> None:
    assert complaints(("%(n)s amount", "%(n)s amounts"), ("%(n)s monto", "%(n)s importe")) != []


def test_words_that_contain_a_term_and_markup_are_allowed() -> None:
    assert complaints("Important", '<a href="/importe">Importes</a>') == []
