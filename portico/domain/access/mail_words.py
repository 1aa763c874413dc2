"""What the mails about signing in have in common: times with their zone, and the frame's words."""

from datetime import datetime
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.practices.models import Practice
from portico.plumbing import phone_format


def sign_in_subject(practice: Practice, asked_at: datetime, language: str) -> str:
    """Carries the time of asking, so that of several mails the newest is found."""
    with translation.override(language):
        words = {"name": practice.name, "time": time_with_zone(asked_at, practice, language)}
        return _("Sign in to %(name)s (asked for at %(time)s)") % words


def time_with_zone(at: datetime, practice: Practice, language: str) -> str:
    """9:41 AM EST, on the practice's own clock."""
    local, locale = at.astimezone(practice.zone), Locale.parse(language)
    # CLDR puts a narrow no-break space before AM, which neither a search nor a test finds.
    time = format_time(local, "short", locale=locale).replace("\u202f", " ").replace("\xa0", " ")
    # The clock's own name of the zone: CLDR has one for few zones in Spanish, and a number looks like a sum.
    return f"{time} {local.tzname()}"


def day(at: datetime, practice: Practice, language: str) -> str:
    """Monday, Nov 23."""
    local, locale = at.astimezone(practice.zone), Locale.parse(language)
    return f"{format_date(local, 'EEEE', locale=locale)}, {format_skeleton('MMMd', local, locale=locale)}"


def frame(practice: Practice) -> dict[str, Any]:  # Any: what templates take.
    return {
        "name": practice.name,
        "phone": phone_format.as_dialled(practice.phone),
        "address": practice.postal_address,
    }
