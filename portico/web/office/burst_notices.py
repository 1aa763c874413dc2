"""Notices of bursts: unusually many sign-in requests or wrong PINs, shown on every office page."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from portico.domain.access.models import Burst, BurstKind
from portico.domain.access.sign_in.requests import bursts
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.web import formatting


@dataclass(frozen=True)
class BurstNotice:
    heading: str
    words: str


def ongoing(practice: Practice) -> list[BurstNotice]:
    """Returns a notice for each ongoing burst."""
    return [notice_for(burst) for burst in bursts.ongoing(practice)]


def notice_for(burst: Burst) -> BurstNotice:
    """Returns the notice for an ongoing burst."""
    values = {"when": _when(burst.began_at)}
    match BurstKind(burst.kind):
        case BurstKind.REQUESTS:
            return BurstNotice(
                _requests_heading(burst),
                _("Since %(when)s. Requests over the limit send no email. No action is needed.") % values,
            )
        case BurstKind.CAP:
            return BurstNotice(
                _("Hourly limit of sign-in emails reached"),
                _("Requests since %(when)s get no email. Clients who can’t wait can sign in with a PIN.") % values,
            )
        case BurstKind.PINS:
            return BurstNotice(
                _("Unusually many wrong PINs in an hour"),
                _("Since %(when)s. Someone may be guessing. A PIN stops working after five wrong tries.") % values,
            )


def notice_for_past(burst: Burst) -> str:
    """Returns the one-line text for a burst that has ended."""
    began_at = _when(burst.began_at)
    match BurstKind(burst.kind):
        case BurstKind.REQUESTS:
            return _("Unusually many requests for sign-in links, %(when)s") % {"when": began_at}
        case BurstKind.CAP:
            return _("The hourly limit of sign-in emails was reached, %(when)s") % {"when": began_at}
        case BurstKind.PINS:
            return _("Unusually many wrong PINs, %(when)s") % {"when": began_at}


def _requests_heading(burst: Burst) -> str:
    values = {"number": burst.number}
    if burst.from_one_network * 2 > burst.number:
        return (
            ngettext(
                "%(number)d request for sign-in links in the last hour, mostly from one network",
                "%(number)d requests for sign-in links in the last hour, mostly from one network",
                burst.number,
            )
            % values
        )
    return (
        ngettext(
            "%(number)d request for sign-in links in the last hour",
            "%(number)d requests for sign-in links in the last hour",
            burst.number,
        )
        % values
    )


def _when(at: datetime) -> str:
    return formatting.date_and_time_in_sentence(
        at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
    )
