"""Delivery status of an email as text; claims no more than the mail server reported."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from portico.plumbing.text import time_formatting
from portico.web import formatting


def status_details(email: OutgoingEmail) -> str:
    """Returns one or two sentences for the list and the banner."""
    match email.state:
        case EmailState.QUEUED:
            return _("Sending…")
        case EmailState.HANDED_OVER:
            sent = handed_over(email.handed_over_at)
            # Another server keeps trying, as it reported.
            return f"{sent}. {email.reason}" if email.reason else sent
        case EmailState.DELIVERED if email.accepted_by:
            return _("Accepted by %(server)s") % {"server": email.accepted_by}
        case EmailState.DELIVERED:
            return _("Accepted by the recipient’s mail server.")
        case EmailState.DELAYED:
            return _delayed(email)
        case EmailState.COMPLAINED:
            return email.reason or _("The recipient reported it as spam.")
        case _:
            return email.reason or str(email.get_state_display())


def handed_over(at: datetime | None) -> str:
    """Returns the text for a handover by SMTP, which does not report delivery."""
    if at is None:
        return _("Sent (we can’t tell if it arrived)")
    zone, language, now = timezone.get_current_timezone(), get_language(), clock.now()
    time = formatting.time_of_day(at, zone=zone, language=language)
    day, today = time_formatting.day_of(at, zone), time_formatting.day_of(now, zone)
    if day == today:
        return _("Sent at %(time)s (we can’t tell if it arrived)") % {"time": time}
    return _("Sent on %(day)s at %(time)s (we can’t tell if it arrived)") % {
        "day": formatting.short_date(day, today=today, language=language),
        "time": time,
    }


def _delayed(email: OutgoingEmail) -> str:
    reason = email.reason or _("The mail server hasn’t accepted it yet.")
    if email.not_before is None or email.not_before <= clock.now():
        return _("%(reason)s Retrying automatically.") % {"reason": reason}
    time = formatting.time_of_day(email.not_before, zone=timezone.get_current_timezone(), language=get_language())
    return _("%(reason)s Retrying automatically at %(time)s.") % {"reason": reason, "time": time}
