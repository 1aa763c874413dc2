"""A URLconf with views that fail in a given way."""

import errno
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from portico import urls
from portico.plumbing.refusals import Refused
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from portico.web import error_pages
from portico.web.guards import machine_page


class AlreadyDone(Refused):
    """A refusal with a sentence."""


TROUBLES: dict[str, Exception] = {
    "away": OperationalError("connection failed: Connection refused"),
    "pool": OperationalError("couldn't get a connection after 4.00 sec"),
    "closed": InterfaceError("connection already closed"),
    "locked": OperationalError("database is locked"),
    "full": OperationalError("database or disk is full"),
    "full-disk": OSError(errno.ENOSPC, "No space left on device"),
    "mistake": ZeroDivisionError("a secret detail"),
    "refused": AlreadyDone("This is already done."),
    "too-many": RateLimitExceeded(Limit("a-limit", 1, timedelta(minutes=1))),
    "forbidden": PermissionDenied(),
}


@machine_page
@require_safe
def trouble(request: HttpRequest, kind: str) -> HttpResponse:
    raise TROUBLES[kind]


@machine_page
@require_safe
def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(sorted(request.GET.items())))


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(sorted(request.POST.items())))


echo.csrf_exempt = True  # type: ignore[attr-defined]  # As csrf_exempt would mark it.

urlpatterns = [
    path("trouble/<str:kind>/", trouble),
    path("read/", read),
    path("echo/", echo),
    *urls.urlpatterns,
]

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
