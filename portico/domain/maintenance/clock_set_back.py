"""Repairing rows written while the clock was ahead, after the clock has been corrected.

Times in the future are ignored when they are used (`plumbing.clock`). When the clock reaches them, however, their
rows would become valid again. So these rows are ended for good, or their time is set to now.

The queries on large tables use an index that begins with the time: while the clock is right, they find nothing at once.
"""

import logging

from django.db.models import Q, QuerySet

from portico.domain.access.address_change import confirmation_links
from portico.domain.access.models import (
    ClientView,
    KnownBrowser,
    Pin,
    PortalSavedForm,
    PortalSession,
    SignInLink,
    SignInRequest,
)
from portico.domain.billing.models import STATES_IN_PROGRESS, PaymentAttempt
from portico.domain.practices.models import SetUpLink, StaffSavedForm
from portico.domain.practices.staff import staff_sessions
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail, RateLimitCount

logger = logging.getLogger(__name__)


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
        "sessions": sum(
            PortalSession.objects.filter(clock.from_future(field), ended_at=None).update(
                ended_at=now, ended_by="a clock that was ahead", seen_at=now
            )
            for field in ("seen_at", "created_at")
        ),
        "client_views": ClientView.objects.filter(clock.from_future("created_at")).delete()[0],
        "links": _links().update(voided_at=now),
        "new_email_links": confirmation_links.end_links(_mails()),
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
    requests = SignInRequest.objects.filter(clock.from_future("written_at"))
    # Staff could not release them before the clock reached the time.
    unknown_payments = PaymentAttempt.objects.filter(clock.from_future("unknown_since"), state__in=STATES_IN_PROGRESS)
    return {
        "asks": requests.update(written_at=now),
        "browsers": KnownBrowser.objects.filter(clock.from_future("seen_at")).update(seen_at=now),
        "doubts": unknown_payments.update(unknown_since=now),
    }


def _links() -> QuerySet[SignInLink]:
    return SignInLink.objects.unspent().filter(email__in=_mails().values("pk"))


def _set_up_links() -> QuerySet[SetUpLink]:
    printed = SetUpLink.objects.filter(clock.from_future("created_at"), email__handing_over_at=None)
    return SetUpLink.objects.unspent().filter(Q(email__in=_mails().values("pk")) | Q(pk__in=printed.values("pk")))


def _mails() -> QuerySet[OutgoingEmail]:
    return OutgoingEmail.objects.filter(clock.from_future("handing_over_at"))
