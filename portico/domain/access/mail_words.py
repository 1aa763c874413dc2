"""What the mails about signing in have in common: the subject, and times with their zone."""

from datetime import datetime

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_gmt, get_timezone_name
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.practices.models import Practice


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
    return f"{time} {_zone_name(local, language)}"


def day(at: datetime, practice: Practice, language: str) -> str:
    """Monday, Nov 23."""
    local, locale = at.astimezone(practice.zone), Locale.parse(language)
    return f"{format_date(local, 'EEEE', locale=locale)}, {format_skeleton('MMMd', local, locale=locale)}"


def _zone_name(local: datetime, language: str) -> str:
    """The short name of its zone, in another of our languages where CLDR has none in this one ("PST" in Spanish).

    Else the distance from Greenwich: a bare "-0800" behind a time looks like a sum.
    """
    for each in (language, *dict(settings.LANGUAGES)):
        name = get_timezone_name(local, width="short", locale=each)
        if name.isalpha():
            return name
    return get_timezone_gmt(local, locale=language)
