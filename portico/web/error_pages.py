"""Error pages: what went wrong, what to do next, and the reference to find it in the log."""

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
from django.template.backends.utils import csrf_input
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from portico.domain.access.models import HelpRequest, InvitationRun, PortalSession
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Credit, Invoice, Payment, PaymentAttempt, Refund, ServiceItem, SharingRun
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Upload
from portico.domain.practices.models import Practice, Role, StaffMember, StaffSavedForm, StaffSession
from portico.domain.practices.staff import passkeys
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import rendering
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.web.http import body_limits

logger = logging.getLogger(__name__)

# Seconds.
RETRY_AFTER = "5"
# SQLite: "database or disk is full"; PostgreSQL: "could not extend file …: No space left on device".
_DISK_FULL = re.compile(r"disk is full|no space left|disk full", re.IGNORECASE)


class PracticePaused(Exception):
    """Raised for every page of a practice that the operator has paused."""


class RefusalMiddleware:
    """The innermost middleware: turns exceptions of views into error pages."""

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
                return too_many_requests(request, error.limit.window)
            case PracticePaused():
                return paused(request)
            case OperationalError() | InterfaceError():
                return database_unavailable(request, error)
        return None


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Returns 400, or the page that fits the exception. Registered as Django's handler400."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request)
    if isinstance(exception, DisallowedHost):
        return wrong_host(request)
    if isinstance(exception, SessionInterrupted):
        # Signed out in another tab during this request.
        return redirect("office:sign_in")
    return _page(request, "400", 400)


def wrong_host(request: HttpRequest) -> HttpResponse:
    """Returns 400 for a host that is not ours, with a link to the same page under PUBLIC_BASE_URL."""
    base = settings.PUBLIC_BASE_URL
    path = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return _page(request, "wrong_host", 400, base_address=base, right_address=f"{base}{path}")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Returns 403 for staff without the role. Objects of another practice are 404 instead."""
    staff = _staff(request)
    if staff is None:
        return _page(request, "403", 403)
    owners = StaffMember.objects.active().filter(practice=staff.practice, role=Role.OWNER).order_by("name")
    names = ", ".join(owners.values_list("name", flat=True)[:3])
    roles = [str(role.label).lower() for role in getattr(exception, "roles", ())]
    return _page(
        request, "403", 403, role=staff.get_role_display(), owners=names, allowed=get_text_list(roles, _("or"))
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Returns 403 for a form without a valid CSRF token. Registered as CSRF_FAILURE_VIEW."""
    logger.warning("request.csrf_rejected", extra={"reference": reference_of(request), "reason": reason})
    return _page(request, "403", 403, stale=True)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Returns 404, alike for objects that do not exist and those of another practice."""
    _record_access_to_other_practice(request)
    if not hasattr(request, "practice"):
        request.practice = _practice_in_path(request.path_info)  # type: ignore[attr-defined]
    return _page(request, "404", 404)


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(request, "413", 413, max_megabytes=body_limits.megabytes_of(request.path_info))


def too_many_requests(request: HttpRequest, window: timedelta | None = None) -> HttpResponse:
    """Returns 429 with the latest time at which the rate limit ends; the exact time would need a query.

    Without a practice there is no time zone: the page then shows the length of the window.
    """
    has_time_zone = getattr(request, "practice", None) is not None
    response = _page(
        request,
        "429",
        429,
        retry_at=clock.now() + window if window and has_time_zone else None,
        wait=rendering.duration(window) if window else "",
    )
    if window:
        response["Retry-After"] = str(int(window.total_seconds()))
    return response


def paused(request: HttpRequest) -> HttpResponse:
    """Returns 503 without Retry-After: the operator decides when the pause ends."""
    return _page(request, "paused", 503)


def server_error(request: HttpRequest) -> HttpResponse:
    """Returns 500, or 503 or 400 for errors that RefusalMiddleware cannot see, such as a failing session save."""
    error = sys.exc_info()[1]
    match error:
        case OperationalError() | InterfaceError():
            return _mark_logged(database_unavailable(request, error))
        case UnreadablePostError():
            return _mark_logged(bad_request(request))
        case OSError(errno=errno.ENOSPC):
            return _mark_logged(_disk_full(request, error))
    logger.error("request.failed", extra={"reference": reference_of(request)}, exc_info=error)
    return _mark_logged(_page(request, "500", 500))


def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Returns 503, or 507 if the disk is full. The transaction has been rolled back."""
    _drop_broken_connections()
    if _DISK_FULL.search(str(error)):
        return _disk_full(request, error)
    extra = {"reference": reference_of(request), "error": type(error).__name__, "says": str(error)[:300]}
    logger.error("database.away", extra=extra)
    return _unavailable(request, 503)


def reference_of(request: HttpRequest) -> str:
    return str(getattr(request, "reference", ""))


def _disk_full(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("disk.full", extra={"reference": reference_of(request), "says": str(error)[:300]})
    return _unavailable(request, 507)


def _unavailable(request: HttpRequest, status: int) -> HttpResponse:
    response = _page(request, "503", status)
    response["Retry-After"] = RETRY_AFTER
    return response


def _drop_broken_connections() -> None:
    """Lets the next request open new connections. Inside a transaction Django does this itself at its end."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _page(request: HttpRequest, name: str, status: int, **context: Any) -> HttpResponse:  # Any: for the template.
    """Renders an error page without the request, whose session and messages would need the database."""
    practice = getattr(request, "practice", None)
    back_url, back_label = _back_link(request)
    context = {
        "practice": practice if isinstance(practice, Practice) else None,
        "reference": reference_of(request),
        "back_url": back_url,
        "back_label": back_label,
        # The footer links to the practice's entrance in each language.
        "entrance_path": practice.portal_path if isinstance(practice, Practice) and not _staff(request) else "",
        **context,
    }
    if client_view := getattr(request, "client_view", None):
        context |= {"client_view": client_view, "csrf_input": csrf_input(request)}
    return HttpResponse(render_to_string(f"errors/{name}.html", context), status=status)


def _back_link(request: HttpRequest) -> tuple[str, str]:
    """Returns the URL and label of the start page of the requested area; empty strings if there is none."""
    if request.path.startswith("/office/"):
        return reverse("office:clients"), _("Back to Clients") if _staff(request) else _("Go to the office")
    practice = getattr(request, "practice", None)
    if isinstance(practice, Practice):
        return practice.portal_path, _("Go to the portal")
    return "", ""


def _staff(request: HttpRequest) -> StaffMember | None:
    """Returns the staff member set by the guard, without a query."""
    staff = getattr(request, "staff", None)
    return staff if isinstance(staff, StaffMember) else None


def _practice_in_path(path: str) -> Practice | None:
    """Returns the practice whose portal the path is in, so that the page can show its phone number."""
    _, portal, slug, *_rest = (*path.split("/"), "", "", "")
    return Practice.objects.filter(slug=slug).first() if portal == "portal" else None


def _record_access_to_other_practice(request: HttpRequest) -> None:
    """Records in the audit log that a staff member requested an object of another practice."""
    staff = _staff(request)
    match = request.resolver_match
    if staff is None or match is None:
        return
    refs = [match.kwargs[name] for name in ("ref", "contact", "document", "session", "upload") if name in match.kwargs]
    if refs and _are_of_other_practice(refs, staff.practice):
        audit_log.record(
            AuditAction.DENIED_PRACTICE, practice=staff.practice, by=staff.actor, about=match.url_name or ""
        )


def _are_of_other_practice(refs: list[str], practice: Practice) -> bool:
    """Returns True if any of the refs belongs to another practice. Covers every model with a ref in an office URL."""
    querysets = (
        Client.objects.all(),
        Relationship.objects.all(),
        OutgoingEmail.objects.all(),
        HelpRequest.objects.all(),
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
        InvitationRun.objects.all(),
        DocumentTemplate.objects.all(),
        DocumentRequest.objects.all(),
        Upload.objects.all(),
    )
    other_staff = StaffMember.objects.exclude(practice=practice)
    return (
        any(rows.filter(ref__in=refs).exclude(practice=practice).exists() for rows in querysets)
        or StaffSession.objects.filter(ref__in=refs, staff__in=other_staff).exists()
        or passkeys.find_by_refs(refs).filter(user__in=other_staff).exists()
    )


def _mark_logged(response: HttpResponse) -> HttpResponse:
    # Django would log the response a second time, without the reference (django.utils.log.log_response).
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
