"""Storms at the entrance, as every office page tells of them."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from portico.domain.access.models import Burst, BurstKind
from portico.domain.access.sign_in import bursts
from portico.plumbing import clock
from portico.web import formatting


@dataclass(frozen=True)
class BurstNotice:
    heading: str
    words: str


def ongoing_bursts(request: HttpRequest) -> dict[str, object]:
    """What goes on at the entrance now; asked once, and only by pages that draw the office's frame."""
    practice = getattr(request, "practice", None)
    if practice is None or getattr(request, "staff", None) is None:
        return {}
    return {"bursts": SimpleLazyObject(lambda: [notice_for(burst) for burst in bursts.ongoing(practice)])}


def notice_for(burst: Burst) -> BurstNotice:
    """One burst while it lasts."""
    began = {"when": _when(burst.began_at)}
    match BurstKind(burst.kind):
        case BurstKind.ASKS:
            return BurstNotice(
                _asks(burst),
                _("Since %(when)s. The limits hold: what goes beyond them sends nothing. Nothing needs to be done.")
                % began,
            )
        case BurstKind.CAP:
            return BurstNotice(
                _("This hour’s limit of sign-in emails is reached"),
                _("Since %(when)s requests get no email. Whoever cannot wait can be let in by PIN.") % began,
            )
        case BurstKind.PINS:
            return BurstNotice(
                _("Unusually many wrong PINs within an hour"),
                _("Since %(when)s. Somebody may be guessing; a PIN stops after five wrong tries.") % began,
            )


def notice_for_past(burst: Burst) -> str:
    """One burst that is over, in a line."""
    began = _when(burst.began_at)
    match BurstKind(burst.kind):
        case BurstKind.ASKS:
            return _("Unusually many requests for sign-in links, %(when)s") % {"when": began}
        case BurstKind.CAP:
            return _("The hourly limit of sign-in emails was reached, %(when)s") % {"when": began}
        case BurstKind.PINS:
            return _("Unusually many wrong PINs, %(when)s") % {"when": began}


def _asks(burst: Burst) -> str:
    given = {"number": burst.number}
    if burst.from_one_place * 2 > burst.number:
        return (
            ngettext(
                "%(number)d request for sign-in links in the last hour, most from one place",
                "%(number)d requests for sign-in links in the last hour, most from one place",
                burst.number,
            )
            % given
        )
    return (
        ngettext(
            "%(number)d request for sign-in links in the last hour",
            "%(number)d requests for sign-in links in the last hour",
            burst.number,
        )
        % given
    )


def _when(at: datetime) -> str:
    return formatting.date_and_time_in_sentence(
        at, now=clock.now(), zone=timezone.get_current_timezone(), language=get_language()
    )
