"""Money in minor units with a currency: formatted for people, and parsed from what they type."""

import re
from decimal import Decimal

from babel.numbers import NumberPattern, parse_pattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.currency_table import digits_of
from portico.plumbing.refusals import Refused
from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.formatting_locale import locale_of
from portico.plumbing.text.result_cache import cached

# The largest amount of one line, payment or invoice, in minor units. Stripe's own charge limit is below it.
MAX_MINOR = 99_999_999_99

# Groups of three digits with the same separator; a period separates groups only where it cannot be the decimal
# point, as in 1.250.000 and 1.250,00.
_WHOLE = (
    r"[0-9]{1,3}(?P<group>[,' ])[0-9]{3}(?:(?P=group)[0-9]{3})*(?!(?P=group))"
    r"|[0-9]{1,3}(?:\.[0-9]{3}){2,}(?!\.)|[0-9]{1,3}\.[0-9]{3}(?=,)|[0-9]*"
)
_AMOUNT = re.compile(rf"(?P<whole>{_WHOLE})(?:[.,](?P<part>[0-9]*))?", re.ASCII)
_SIGNED = re.compile(r"\((?P<bracketed>[^()-]*)\)|-(?P<after_minus>[^()-]*)|(?P<bare>[^()-]*)(?P<minus>-?)")
# Variants from other keyboards: minus and dashes, apostrophes, Arabic separators, full-width currency symbols.
_VARIANTS = str.maketrans("−–—‐‑﹣’٬٫￥￡", "------',.¥£")
MINUS = "−"


class InvalidAmount(Refused):
    """The typed text is not an amount in this currency."""

    status = 422


def decimal_of(minor: int, currency: str) -> Decimal:
    """Returns the amount in major units, exactly."""
    return Decimal(minor).scaleb(-digits_of(currency))


def plain_decimal(minor: int, currency: str) -> str:
    """Returns 140.00, for form fields and files, in every language."""
    return f"{decimal_of(minor, currency):.{digits_of(currency)}f}"


@cached
def formatted(minor: int, currency: str, *, language: str | None) -> str:
    """Returns $1,234.50, always with all decimals. A negative amount begins with a minus sign."""
    locale = locale_of(language)
    digits = digits_of(currency)
    pattern: NumberPattern = parse_pattern(locale.currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)
    # Babel's own digits are those of cash.
    text = pattern.apply(abs(decimal_of(minor, currency)), locale, currency=currency, currency_digits=False)
    # A currency code before the number is followed by a space (CLDR's rule, which Babel leaves out).
    text = re.sub("(?<=[A-Z])(?=[0-9])", "\xa0", str(text).replace("\u202f", "\xa0"))
    return f"{MINUS}{text}" if minor < 0 else text


def parsed(text: str, currency: str) -> int:
    """Returns a typed amount in minor units: 140, .5, $1,234.50, 1 234,50, -20, 20- or (20).

    A comma followed by three digits separates thousands: 1,250 is more than a thousand. Nothing is rounded.
    Raises InvalidAmount.
    """
    digits = digits_of(currency)
    is_negative, bare = _signed(ascii_forms(text).translate(_VARIANTS), currency)
    match = _AMOUNT.fullmatch(bare)
    if match is None or not re.search("[0-9]", bare):
        raise InvalidAmount(_("Enter an amount such as %(example)s.") % {"example": _example(currency)})
    part = match["part"] or ""
    if len(part) > digits:
        raise InvalidAmount(_too_many_decimals(currency, digits))
    minor = int(re.sub("[^0-9]", "", match["whole"]) + part.ljust(digits, "0") or "0")
    if minor > MAX_MINOR:
        raise InvalidAmount(_("This amount is too large. Enter a smaller one."))
    return -minor if is_negative else minor


def _signed(text: str, currency: str) -> tuple[bool, str]:
    """Returns (is negative, amount without minus and currency); the amount is empty if the minus is malformed."""
    plain = " ".join(text.split())
    for name in _names_of(currency):
        plain = re.sub(re.escape(name), "", plain, count=1, flags=re.IGNORECASE)
    match = _SIGNED.fullmatch(plain.strip())
    if match is None:
        return False, ""
    negative = match["bracketed"] or match["after_minus"] or (match["bare"] if match["minus"] else "")
    return bool(negative), (negative or match["bare"] or "").strip()


def _names_of(currency: str) -> dict[str, None]:
    """Returns the notations of a currency: USD, US$ and $."""
    symbol = " ".join(_symbol(currency).split())
    names = [currency, f"{currency[:2]}$", symbol, *([symbol[-1]] if symbol and not symbol[-1].isalnum() else [])]
    return dict.fromkeys(name for name in names if name)


def _too_many_decimals(currency: str, digits: int) -> str:
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
    return str(locale_of("en").currency_symbols.get(currency, ""))
