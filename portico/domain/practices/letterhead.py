"""What stands at the head of everything a practice prints."""

from typing import Any

from portico.domain.practices.models import Logo, Practice
from portico.plumbing import images
from portico.plumbing.text import phone_numbers

# Of the logo: 26 points high, at 330 to the inch.
PRINTED_PIXELS = (480, 120)
# Where paper is Letter (CLDR); everywhere else it is A4.
LETTER_COUNTRIES = frozenset(
    {"BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"},
)


def letterhead_of(practice: Practice) -> dict[str, Any]:  # Any: JSON for a template of `portico/print`.
    """The sign, its colour and the paper."""
    return {
        "paper": "us-letter" if practice.country in LETTER_COUNTRIES else "a4",
        "practice": {
            "name": practice.name,
            "initial": practice.name[:1].upper(),
            "hue": practice.hue,
            "logo": _logo(practice),
        },
    }


def address_lines(practice: Practice) -> list[str]:
    """Name, postal address and phone, each on a line."""
    return [line for line in (practice.name, *practice.postal_address.splitlines(), phone(practice)) if line.strip()]


def phone(practice: Practice) -> str:
    """As people dial it; empty without one."""
    return phone_numbers.formatted(practice.phone) if practice.phone else ""


def _logo(practice: Practice) -> list[int]:
    """Its bytes as numbers, as JSON takes them; at the size of print, since each costs time."""
    logo = Logo.objects.filter(practice=practice).first() if practice.logo_digest else None
    return list(images.resized(bytes(logo.png), within=PRINTED_PIXELS)) if logo is not None else []
