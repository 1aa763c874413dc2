"""The subject of a sign-in mail."""

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.practices.models import Practice
from portico.plumbing.text import times


def sign_in_subject(practice: Practice, asked_at: datetime, language: str) -> str:
    """Carries the time of asking, so that of several mails the newest is found."""
    with translation.override(language):
        words = {"name": practice.name, "time": times.time_with_zone(asked_at, practice.zone, language)}
        return _("Sign in to %(name)s (asked for at %(time)s)") % words
