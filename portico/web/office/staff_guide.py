"""The help page for staff, and the printed guide and letter for clients."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access import client_views
from portico.domain.access.models import CODE_LIFETIME
from portico.domain.access.onboarding import client_guide
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.stripe_sync import manual_release
from portico.plumbing.audit import audit_log
from portico.plumbing.mail import rendering
from portico.web import languages
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups


@office_page()
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    context = {
        "practice_address": request.practice.portal_address,
        "sender_address": settings.EMAIL_FROM,
        "link_works_for": rendering.duration(settings.SIGNIN_LINK_TTL),
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "code_works_for": rendering.duration(CODE_LIFETIME),
        "view_lasts": rendering.duration(client_views.LIFETIME),
        "release_after": rendering.duration(manual_release.RELEASE_AFTER),
        "client_idle_for": rendering.duration(settings.SESSION_IDLE_CLIENT),
    }
    return render(request, "office/help/guide.html", context)


@office_page()
@require_safe
def client_guide_pdf(request: OfficeRequest, language: str) -> HttpResponse:
    """Returns the getting-started guide for clients in one of the portal's languages."""
    if not languages.is_known(language):
        raise Http404
    return _attachment(client_guide.guide_as_pdf(request.practice, language), client_guide.file_name(language))


@office_page()
@require_safe
def letter_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    """Returns a printed invitation in the client's language, and records it in the audit log."""
    client = lookups.get_client(request, ref)
    audit_log.record(
        AuditAction.DOCUMENT_VIEWED, practice=request.practice, client=client, by=request.actor, kind="letter"
    )
    return _attachment(client_guide.invitation_letter_as_pdf(client), "invitation-letter.pdf")


def _attachment(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
