"""The locale in which dates, times and amounts are written."""

from babel import Locale

from portico.plumbing.text.result_cache import cached

SPANISH = Locale("es", "US")


@cached
def locale_of(language: str | None) -> Locale:
    """Returns Babel's locale for one of Django's language codes. Spanish is that of the US: 7:36 p. m., $1,234.50."""
    locale = Locale.parse(language or "en", sep="-")
    return SPANISH if locale.language == SPANISH.language else locale
