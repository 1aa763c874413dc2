"""Repairing rows written while the clock was ahead, after the clock has been corrected.

Times in the future are ignored when they are used (`plumbing.clock`). When the clock reaches them, however, their
rows would become valid again. So these rows are ended for good, or their time is set to now.
"""

import logging

from django.db.models import Q, QuerySet

from portico.domain.access.models import KnownBrowser, Pin, PortalSavedForm, PortalSession, SignInLink, SignInRequest
from portico.domain.billing.models import STATES_IN_PROGRESS, PaymentAttempt
from portico.domain.practices.models import SetUpLink, StaffSavedForm
from portico.domain.practices.staff import staff_sessions
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail, RateLimitCount

logger = logging.getLogger(__name__)

# Unused links stay for years and sign-in requests for a month; only the newest can be from the future.
MAX_NEWEST = 5_000


def repair() -> int:
    """Repairs all rows from the future; a scheduled task. Returns their number.

    Changes nothing while our clock is known to be slow: correct times then appear to be in the future.
    """
    if payment_readiness.STRIPE_CLOCK.known_difference() < -clock.SKEW:
        return 0
    settled = _end() | _restart()
    if any(settled.values()):
        logger.warning("clock.was_ahead", extra=settled)
    return sum(settled.values())


def _end() -> dict[str, int]:
    """Ends sessions, links and PINs, and deletes rate limit counts and saved forms."""
    now = clock.now()
    return {
        "sessions": _sessions().update(ended_at=now, ended_by="a clock that was ahead", seen_at=now),
        "links": _links().update(voided_at=now),
        "pins": Pin.objects.filter(clock.from_future("created_at"), used_at=None, voided_at=None).update(voided_at=now),
        "staff_sessions": staff_sessions.delete_from_future(),
        "set_up_links": _set_up_links().update(used_at=now),
        "limits": RateLimitCount.objects.filter(clock.from_future("started_at")).delete()[0],
        "kept_forms": PortalSavedForm.objects.filter(clock.from_future("created_at")).delete()[0]
        + StaffSavedForm.objects.filter(clock.from_future("created_at")).delete()[0],
    }


def _restart() -> dict[str, int]:
    """Sets the start of waiting and retention periods to now."""
    now = clock.now()
    newest = SignInRequest.objects.order_by("-id").values_list("pk", flat=True)[:MAX_NEWEST]
    requests = SignInRequest.objects.filter(clock.from_future("written_at"), pk__in=list(newest))
    # Staff could not release them before the clock reached the time.
    unknown_payments = PaymentAttempt.objects.filter(clock.from_future("unknown_since"), state__in=STATES_IN_PROGRESS)
    return {
        "asks": requests.update(written_at=now),
        "browsers": KnownBrowser.objects.filter(clock.from_future("seen_at")).update(seen_at=now),
        "doubts": unknown_payments.update(unknown_since=now),
    }


def _sessions() -> QuerySet[PortalSession]:
    return PortalSession.objects.filter(clock.from_future("seen_at") | clock.from_future("created_at"), ended_at=None)


def _links() -> QuerySet[SignInLink]:
    """Returns links mailed in the future, without scanning every mail."""
    newest = SignInLink.objects.order_by("-id").values_list("email_id", flat=True)[:MAX_NEWEST]
    mails = OutgoingEmail.objects.filter(clock.from_future("handing_over_at"), pk__in=list(newest))
    return SignInLink.objects.unspent().filter(email__in=list(mails.values_list("pk", flat=True)))


def _set_up_links() -> QuerySet[SetUpLink]:
    handed_over = clock.from_future("email__handing_over_at")
    made = Q(email__handing_over_at=None) & clock.from_future("created_at")
    found = SetUpLink.objects.unspent().filter(handed_over | made)
    return SetUpLink.objects.unspent().filter(pk__in=list(found.values_list("pk", flat=True)))
