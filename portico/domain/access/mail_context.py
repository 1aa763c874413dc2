"""Subject line of the sign-in mail."""

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.practices.models import Practice
from portico.plumbing.text import times


def sign_in_subject(practice: Practice, asked_at: datetime, language: str) -> str:
    """Returns the subject with the time of the request, so that the newest of several mails can be recognised."""
    with translation.override(language):
        values = {"name": practice.name, "time": times.time_with_zone(asked_at, practice.zone, language)}
        return _("Sign in to %(name)s (asked for at %(time)s)") % values
