"""Money as whole minor units with a currency: how it is written for people, and read when they type it."""

import re
from decimal import Decimal

from babel import Locale
from babel.numbers import NumberPattern, parse_pattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.currency_table import digits_of
from portico.plumbing.refusals import Refused
from portico.plumbing.text.folding import ascii_forms

# The largest amount of one line, payment or invoice, in minor units. Stripe's own charge limit is below it.
MAX_MINOR = 99_999_999_99

# Thousands in groups of three with the same separator between them all; a period is one only where it cannot be the
# decimal point, as in 1.250.000 and 1.250,00.
_WHOLE = (
    r"[0-9]{1,3}(?P<group>[,' ])[0-9]{3}(?:(?P=group)[0-9]{3})*(?!(?P=group))"
    r"|[0-9]{1,3}(?:\.[0-9]{3}){2,}(?!\.)|[0-9]{1,3}\.[0-9]{3}(?=,)|[0-9]*"
)
_AMOUNT = re.compile(rf"(?P<whole>{_WHOLE})(?:[.,](?P<part>[0-9]*))?", re.ASCII)
_SIGNED = re.compile(r"\((?P<bracketed>[^()-]*)\)|-(?P<after_minus>[^()-]*)|(?P<bare>[^()-]*)(?P<minus>-?)")
# As other keyboards have them: minus and dashes, apostrophes, the Arabic separators, full-width currency signs.
_ALIKE = str.maketrans("−–—‐‑﹣’٬٫￥￡", "------',.¥£")
MINUS = "−"


class InvalidAmount(Refused):
    """What was typed is no amount of money in this currency."""

    status = 422


def decimal_of(minor: int, currency: str) -> Decimal:
    """The amount in major units, exactly."""
    return Decimal(minor).scaleb(-digits_of(currency))


def plain_decimal(minor: int, currency: str) -> str:
    """140.00: as it stands in a field or a file, whatever the language."""
    return f"{decimal_of(minor, currency):.{digits_of(currency)}f}"


def formatted(minor: int, currency: str, *, language: str | None) -> str:
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
    """Return what a person typed, in minor units: 140, .5, $1,234.50, 1 234,50, -20, 20- or (20).

    A comma with three digits behind it separates thousands: 1,250 is a thousand. Nothing is rounded.
    Raises NotAnAmount.
    """
    digits = digits_of(currency)
    is_negative, bare = _signed(ascii_forms(text).translate(_ALIKE), currency)
    match = _AMOUNT.fullmatch(bare)
    if match is None or not re.search("[0-9]", bare):
        raise InvalidAmount(_("Type an amount such as %(example)s.") % {"example": _example(currency)})
    part = match["part"] or ""
    if len(part) > digits:
        raise InvalidAmount(_too_fine(currency, digits))
    minor = int(re.sub("[^0-9]", "", match["whole"]) + part.ljust(digits, "0") or "0")
    if minor > MAX_MINOR:
        raise InvalidAmount(_("That is more than one amount can be."))
    return -minor if is_negative else minor


def _signed(text: str, currency: str) -> tuple[bool, str]:
    """Whether the amount is negative, and the amount without sign and currency; empty if the signs make no sense."""
    plain = " ".join(text.split())
    for name in _names_of(currency):
        plain = re.sub(re.escape(name), "", plain, count=1, flags=re.IGNORECASE)
    match = _SIGNED.fullmatch(plain.strip())
    if match is None:
        return False, ""
    negative = match["bracketed"] or match["after_minus"] or (match["bare"] if match["minus"] else "")
    return bool(negative), (negative or match["bare"] or "").strip()


def _names_of(currency: str) -> dict[str, None]:
    """What people write beside an amount: USD, US$ and $."""
    symbol = " ".join(_symbol(currency).split())
    names = [currency, f"{currency[:2]}$", symbol, *([symbol[-1]] if symbol and not symbol[-1].isalnum() else [])]
    return dict.fromkeys(name for name in names if name)


def _too_fine(currency: str, digits: int) -> str:
    if not digits:
        return _("Amounts in %(currency)s have no decimals.") % {"currency": currency}
    return ngettext(
        "Amounts in %(currency)s have at most %(digits)d decimal.",
        "Amounts in %(currency)s have at most %(digits)d decimals.",
        digits,
    ) % {"currency": currency, "digits": digits}


def _example(currency: str) -> str:
    return plain_decimal(14_000 if digits_of(currency) else 140, currency)


def _symbol(currency: str) -> str:
    return str(_locale("en", currency).currency_symbols.get(currency, ""))


def _locale(language: str | None, currency: str) -> Locale:
    locale = Locale.parse(language or "en", sep="-")
    # Where people pay in dollars, Spanish too writes $1,234.50.
    return Locale(locale.language, "US") if currency == "USD" and locale.language == "es" else locale
