"""The letterhead of a practice's PDFs: name, logo, color, address and paper size."""

from typing import Any

from portico.domain.practices.models import Logo, Practice
from portico.plumbing import images
from portico.plumbing.text import phone_number_display

# Largest printed size of the logo: 26 points high at 330 pixels per inch.
PRINTED_PIXELS = (480, 120)
# The countries that use the paper size US Letter (CLDR); all others use A4.
LETTER_COUNTRIES = frozenset(
    {"BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"},
)


def letterhead_of(practice: Practice) -> dict[str, Any]:  # Any: JSON for a template of `portico/print`.
    """Returns the paper size and the practice's name, initial, color and logo."""
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
    """Returns the lines of name, postal address and phone number, without empty ones."""
    return [line for line in (practice.name, *practice.postal_address.splitlines(), phone(practice)) if line.strip()]


def phone(practice: Practice) -> str:
    """Returns the phone number as it is dialed, or an empty string."""
    return phone_number_display.formatted(practice.phone) if practice.phone else ""


def _logo(practice: Practice) -> list[int]:
    """Returns the bytes of the PNG as numbers, for JSON; scaled down, because every byte takes time to render."""
    logo = Logo.objects.filter(practice=practice).first() if practice.logo_digest else None
    return list(images.resized(bytes(logo.png), within=PRINTED_PIXELS)) if logo is not None else []
