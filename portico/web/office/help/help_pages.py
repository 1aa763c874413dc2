"""`Help`: the guide for staff, a page for each subject, and a list of all headings."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access import client_views
from portico.domain.access.models import CODE_LIFETIME
from portico.domain.billing.stripe_sync import manual_release
from portico.domain.documents import practice_documents
from portico.plumbing.files import inspection
from portico.plumbing.mail import rendering
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.help import help_contents


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    return render(request, "office/help/index.html", {"pages": help_contents.PAGES, "page": None})


@office_page()
@require_safe
def show(request: OfficeRequest, subject: str) -> HttpResponse:
    page = help_contents.BY_SUBJECT.get(subject)
    if page is None:
        raise Http404
    context = {
        "pages": help_contents.PAGES,
        "page": page,
        "practice_address": request.practice.portal_address,
        "sender_address": settings.EMAIL_FROM,
        "link_works_for": rendering.duration(settings.SIGNIN_LINK_TTL),
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "code_works_for": rendering.duration(CODE_LIFETIME),
        "view_lasts": rendering.duration(client_views.LIFETIME),
        "release_after": rendering.duration(manual_release.RELEASE_AFTER),
        "max_megabytes": inspection.MAX_MEGABYTES,
        "stuck_days": practice_documents.STUCK_AFTER.days,
        "client_idle_for": rendering.duration(settings.SESSION_IDLE_CLIENT),
    }
    return render(request, page.template, context)
