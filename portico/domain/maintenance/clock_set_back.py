"""What was written while the clock was ahead, once the clock has been set right.

Such times count for nothing at the moment of use (`plumbing.clock`). That is not enough: when the clock gets there,
what they began would be good again. So it is ended for good, or its time begins now.
"""

import logging

from django.db.models import Q, QuerySet

from portico.domain.access.models import KnownBrowser, Pin, PortalSavedForm, PortalSession, SignInLink, SignInRequest
from portico.domain.billing.models import STATES_IN_PROGRESS, PaymentAttempt
from portico.domain.practices.models import SetUpLink, StaffSavedForm
from portico.domain.practices.staff import staff_sessions
from portico.domain.practices.stripe_setup import clock_checks
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail, RateLimitCount

logger = logging.getLogger(__name__)

# Links that were never used stay for years, asks for a month; only the newest can be from the future.
NEWEST = 5_000


def settle() -> int:
    """Settles everything that is from the future; upkeep calls it. Returns how many rows that was.

    While our own clock is known to be slow, nothing is touched: then it is the right times that look ahead.
    """
    if clock_checks.known() < -clock.SKEW:
        return 0
    settled = _end() | _begin_now()
    if any(settled.values()):
        logger.warning("clock.was_ahead", extra=settled)
    return sum(settled.values())


def _end() -> dict[str, int]:
    """Ends what lets somebody in, and what keeps somebody out."""
    now = clock.now()
    return {
        "sessions": _sessions().update(ended_at=now, ended_by="a clock that was ahead", seen_at=now),
        "links": _links().update(voided_at=now),
        "pins": Pin.objects.filter(clock.from_future("created_at"), used_at=None, voided_at=None).update(voided_at=now),
        "staff_sessions": staff_sessions.end_those_from_future(),
        "set_up_links": _set_up_links().update(used_at=now),
        "limits": RateLimitCount.objects.filter(clock.from_future("started_at")).delete()[0],
        "kept_forms": PortalSavedForm.objects.filter(clock.from_future("created_at")).delete()[0]
        + StaffSavedForm.objects.filter(clock.from_future("created_at")).delete()[0],
    }


def _begin_now() -> dict[str, int]:
    """Lets the time begin that something is kept or waited for."""
    now = clock.now()
    newest = SignInRequest.objects.order_by("-id").values_list("pk", flat=True)[:NEWEST]
    asks = SignInRequest.objects.filter(clock.from_future("written_at"), pk__in=list(newest))
    # Staff could not release them before the clock got there.
    doubts = PaymentAttempt.objects.filter(clock.from_future("unknown_since"), state__in=STATES_IN_PROGRESS)
    return {
        "asks": asks.update(written_at=now),
        "browsers": KnownBrowser.objects.filter(clock.from_future("seen_at")).update(seen_at=now),
        "doubts": doubts.update(unknown_since=now),
    }


def _sessions() -> QuerySet[PortalSession]:
    return PortalSession.objects.filter(clock.from_future("seen_at") | clock.from_future("created_at"), ended_at=None)


def _links() -> QuerySet[SignInLink]:
    """Those handed over in the future, found without a look at every mail."""
    newest = SignInLink.objects.order_by("-id").values_list("email_id", flat=True)[:NEWEST]
    mails = OutgoingEmail.objects.filter(clock.from_future("handing_over_at"), pk__in=list(newest))
    return SignInLink.objects.unspent().filter(email__in=list(mails.values_list("pk", flat=True)))


def _set_up_links() -> QuerySet[SetUpLink]:
    handed_over = clock.from_future("email__handing_over_at")
    made = Q(email__handing_over_at=None) & clock.from_future("created_at")
    found = SetUpLink.objects.unspent().filter(handed_over | made)
    return SetUpLink.objects.unspent().filter(pk__in=list(found.values_list("pk", flat=True)))
