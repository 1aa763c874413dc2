"""Money as whole minor units with a currency: how it is written for people, and read when they type it."""

import re
from decimal import Decimal

from babel import Locale
from babel.numbers import NumberPattern, parse_pattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.plumbing.refusals import Refused

# ISO 4217: currencies whose minor unit is not a hundredth. Not CLDR's digits, which say how people round on a
# till, not what a unit is.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_THOUSANDTHS.split(), 3)

# The largest amount of one line, payment or invoice, in minor units. Stripe's own charge limit is below it.
MOST_MINOR = 99_999_999_99

_TYPED = re.compile(r"(?P<sign>[-−]?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<part>[0-9]*))?", re.ASCII)
MINUS = "−"


class NotAnAmount(Refused):
    """What was typed is no amount of money in this currency."""

    status = 422


def digits_of(currency: str) -> int:
    """How many decimals the currency's minor unit stands for: 2 for USD, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def decimal_of(minor: int, currency: str) -> Decimal:
    """The amount in major units, exactly."""
    return Decimal(minor).scaleb(-digits_of(currency))


def plain(minor: int, currency: str) -> str:
    """140.00: as it stands in a field or a file, whatever the language."""
    return f"{decimal_of(minor, currency):.{digits_of(currency)}f}"


def written(minor: int, currency: str, *, language: str | None) -> str:
    """$1,234.50, always with all its decimals; €1,234.50; 1.234,50 €. A negative one begins with a minus sign."""
    locale = _locale(language, currency)
    digits = digits_of(currency)
    pattern: NumberPattern = parse_pattern(locale.currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)
    # babel's own digits would be those of a till.
    text = pattern.apply(abs(decimal_of(minor, currency)), locale, currency=currency, currency_digits=False)
    # A code that stands before the number keeps its distance (CLDR's rule, which babel leaves out).
    text = re.sub("(?<=[A-Z])(?=[0-9])", "\xa0", str(text).replace("\u202f", "\xa0"))
    return f"{MINUS}{text}" if minor < 0 else text


def parsed(text: str, currency: str) -> int:
    """What a person typed, in minor units: 140, 140.00, $1,234.50, -20. Nothing is rounded. Raises NotAnAmount."""
    bare = "".join(text.split())
    for sign in (currency, _symbol(currency)):
        bare = bare.replace(sign, "", 1) if sign else bare
    match = _TYPED.fullmatch(bare)
    if match is None:
        raise NotAnAmount(_("Type an amount such as %(example)s.") % {"example": _example(currency)})
    digits, part = digits_of(currency), match["part"] or ""
    if len(part) > digits:
        raise NotAnAmount(_too_fine(currency, digits))
    minor = int(match["whole"].replace(",", "") + part.ljust(digits, "0"))
    if minor > MOST_MINOR:
        raise NotAnAmount(_("That is more than one amount can be."))
    return -minor if match["sign"] else minor


def _too_fine(currency: str, digits: int) -> str:
    if not digits:
        return _("Amounts in %(currency)s have no decimals.") % {"currency": currency}
    return ngettext(
        "Amounts in %(currency)s have at most %(digits)d decimal.",
        "Amounts in %(currency)s have at most %(digits)d decimals.",
        digits,
    ) % {"currency": currency, "digits": digits}


def _example(currency: str) -> str:
    return plain(14_000 if digits_of(currency) else 140, currency)


def _symbol(currency: str) -> str:
    return str(_locale("en", currency).currency_symbols.get(currency, ""))


def _locale(language: str | None, currency: str) -> Locale:
    locale = Locale.parse(language or "en", sep="-")
    # Where people pay in dollars, Spanish too writes $1,234.50.
    return Locale(locale.language, "US") if currency == "USD" and locale.language == "es" else locale
