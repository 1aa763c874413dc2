"""Locales: dates, times and amounts in Spanish are written as in the United States."""

import pytest

from portico.plumbing.text import formatting_locale


@pytest.mark.parametrize(
    ("language", "locale"), [("en", "en"), ("en-us", "en_US"), ("es", "es_US"), ("es-mx", "es_US"), (None, "en")]
)
def test_spanish_is_that_of_the_united_states(language: str | None, locale: str) -> None:
    assert str(formatting_locale.locale_of(language)) == locale
