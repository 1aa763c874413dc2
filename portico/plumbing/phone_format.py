"""How a stored phone number is written for people."""

import phonenumbers


def as_dialled(number: str, *, at_home: str = "") -> str:
    """A stored number (E.164) as people write it.

    National, unless `at_home`, a number of the practice, belongs to another country.
    What no one can parse comes back as it is.
    """
    parsed = _parsed(number)
    if parsed is None:
        return number
    home = _parsed(at_home)
    abroad = home is not None and home.country_code != parsed.country_code
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.INTERNATIONAL if abroad else style.NATIONAL)


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
