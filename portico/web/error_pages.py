"""The pages that say no: what went wrong, what to do now, and the reference under which the log has it."""

import errno
import logging
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalSession
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Credit, Invoice, Payment, PaymentAttempt, Refund, ServiceItem, SharingRun
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember, StaffSavedForm, StaffSession
from portico.domain.practices.staff import passkeys
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import rendering
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.plumbing.security.rate_limits import RateLimitExceeded

logger = logging.getLogger(__name__)

# Seconds after which a browser, or a monitor, may ask again.
RETRY_AFTER = "5"
# SQLite: "database or disk is full"; PostgreSQL: "could not extend file …: No space left on device".
_DISK_FULL = re.compile(r"disk is full|no space left|disk full", re.IGNORECASE)


class PracticePaused(Exception):
    """The operator has paused the practice that was asked for."""


class RefusalMiddleware:
    """The innermost layer: turns what pages raise into pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = _page(request, "405", 405)
            page["Allow"] = response["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        match error:
            case Refused():
                return _page(request, "refused", error.status, message=error.message)
            case RateLimitExceeded():
                return too_many(request, error.limit.window)
            case PracticePaused():
                return paused(request)
            case OperationalError() | InterfaceError():
                return database_away(request, error)
        return None


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400. Also Django's handler for every request that it cannot read."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    if isinstance(exception, DisallowedHost):
        return wrong_host(request)
    if isinstance(exception, SessionInterrupted):
        # Signed out in another tab while this request was on its way.
        return redirect("office:sign_in")
    return _page(request, "400", 400)


def wrong_host(request: HttpRequest) -> HttpResponse:
    """400 for a host that is not ours, with the link to the same page at the right address."""
    base = settings.PUBLIC_BASE_URL
    path = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return _page(request, "wrong_host", 400, base_address=base, right_address=f"{base}{path}")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: only a colleague whose role is not enough gets here; what is not yours is 404."""
    staff = _staff(request)
    if staff is None:
        return _page(request, "403", 403)
    owners = StaffMember.objects.active().filter(practice=staff.practice, role=Role.OWNER).order_by("name")
    names = ", ".join(owners.values_list("name", flat=True)[:3])
    return _page(request, "403", 403, role=staff.get_role_display(), owners=names)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from a page of ours, or from one that is too old."""
    logger.warning("request.not_from_our_page", extra={"reference": reference_of(request), "reason": reason})
    return _page(request, "403", 403, stale=True)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the same page whether a thing is missing or another practice's; only the trail knows."""
    _note_other_practice(request)
    if not hasattr(request, "practice"):
        request.practice = _practice_of_address(request.path_info)  # type: ignore[attr-defined]
    return _page(request, "404", 404)


def length_required(request: HttpRequest) -> HttpResponse:
    """411: of a body that did not announce its length nobody knows whether it came whole."""
    return _page(request, "400", 411)


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(request, "413", 413)


def too_many(request: HttpRequest, window: timedelta | None = None) -> HttpResponse:
    """429, with the time by which the window of the budget is over for certain; asks no database for the exact one.

    Where no practice is known, and so no zone, it says how long that is.
    """
    is_placed = getattr(request, "practice", None) is not None
    response = _page(
        request,
        "429",
        429,
        retry_at=clock.now() + window if window and is_placed else None,
        wait=rendering.duration(int(window.total_seconds())) if window else "",
    )
    if window:
        response["Retry-After"] = str(int(window.total_seconds()))
    return response


def paused(request: HttpRequest) -> HttpResponse:
    """503 without a time to ask again: only whoever runs the installation knows it."""
    return _page(request, "paused", 503)


def server_error(request: HttpRequest) -> HttpResponse:
    """500. What no middleware of ours sees (a session that cannot be saved) arrives here too and is sorted again."""
    error = sys.exc_info()[1]
    match error:
        case OperationalError() | InterfaceError():
            return _logged(database_away(request, error))
        case UnreadablePostError():
            return _logged(bad_request(request))
        case OSError(errno=errno.ENOSPC):
            return _logged(_full(request, error))
    logger.error("request.failed", extra={"reference": reference_of(request)}, exc_info=error)
    return _logged(_page(request, "500", 500))


def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    """503: away, busy for too long, or shutting down. Nothing is half done: the transaction fell with it."""
    _drop_broken_connections()
    if _DISK_FULL.search(str(error)):
        return _full(request, error)
    names = {"reference": reference_of(request), "error": type(error).__name__, "says": str(error)[:300]}
    logger.error("database.away", extra=names)
    return _unavailable(request, 503)


def reference_of(request: HttpRequest) -> str:
    return str(getattr(request, "reference", ""))


def _full(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("disk.full", extra={"reference": reference_of(request), "says": str(error)[:300]})
    return _unavailable(request, 507)


def _unavailable(request: HttpRequest, status: int) -> HttpResponse:
    response = _page(request, "503", status)
    response["Retry-After"] = RETRY_AFTER
    return response


def _drop_broken_connections() -> None:
    """So that the next request opens a new one. In a transaction Django itself does it at the end."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _page(request: HttpRequest, name: str, status: int, **context: Any) -> HttpResponse:  # Any: for the template.
    """Rendered without the request, whose session and messages would need the database."""
    practice = getattr(request, "practice", None)
    back_url, back_label = _way_back(request)
    context = {
        "practice": practice if isinstance(practice, Practice) else None,
        "reference": reference_of(request),
        "back_url": back_url,
        "back_label": back_label,
        # The foot of the page offers the languages, which lead to the practice's own address.
        "entrance_path": practice.portal_path if isinstance(practice, Practice) and not _staff(request) else "",
        **context,
    }
    return HttpResponse(render_to_string(f"errors/{name}.html", context), status=status)


def _way_back(request: HttpRequest) -> tuple[str, str]:
    """The start of the part of the product that was asked for."""
    if request.path.startswith("/office/"):
        return reverse("office:clients"), _("Back to Clients") if _staff(request) else _("Go to the office")
    practice = getattr(request, "practice", None)
    if isinstance(practice, Practice):
        return practice.portal_path, _("Go to the portal")
    return "", ""


def _staff(request: HttpRequest) -> StaffMember | None:
    """Whom the guard let in; asks nobody."""
    staff = getattr(request, "staff", None)
    return staff if isinstance(staff, StaffMember) else None


def _practice_of_address(path: str) -> Practice | None:
    """In whose portal a page was asked for that there is none of, so that the page can say whom to call."""
    _, portal, slug, *_rest = (*path.split("/"), "", "", "")
    return Practice.objects.filter(slug=slug).first() if portal == "portal" else None


def _note_other_practice(request: HttpRequest) -> None:
    """A colleague asked for a thing of another practice: seen in the trail, not on the page."""
    staff = _staff(request)
    match = request.resolver_match
    if staff is None or match is None:
        return
    refs = [match.kwargs[name] for name in ("ref", "session") if name in match.kwargs]
    if refs and _are_elsewhere(refs, staff.practice):
        audit_log.record(
            AuditAction.DENIED_PRACTICE, practice=staff.practice, by=staff.actor, about=match.url_name or ""
        )


def _are_elsewhere(refs: list[str], practice: Practice) -> bool:
    """Whether any of the refs names a thing of another practice, of each kind that an address of the office names."""
    kinds = (
        Client.objects.all(),
        OutgoingEmail.objects.all(),
        StaffMember.objects.all(),
        StaffSavedForm.objects.all(),
        PortalSession.objects.all(),
        Invoice.objects.all(),
        Payment.objects.all(),
        PaymentAttempt.objects.all(),
        Refund.objects.all(),
        Credit.objects.all(),
        ServiceItem.objects.all(),
        SharingRun.objects.all(),
    )
    theirs = StaffMember.objects.exclude(practice=practice)
    return (
        any(rows.filter(ref__in=refs).exclude(practice=practice).exists() for rows in kinds)
        or StaffSession.objects.filter(ref__in=refs, staff__in=theirs).exists()
        or passkeys.names_by_ref(refs).filter(user__in=theirs).exists()
    )


def _logged(response: HttpResponse) -> HttpResponse:
    # Django would write the same once more, without the reference (django.utils.log.log_response).
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
