"""The guide and the invitation letter for clients, to print."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from portico.domain.access import access_lookups, holders
from portico.domain.access.onboarding.guides import client_guide, invitation_letter
from portico.domain.audit_actions import AuditAction
from portico.plumbing.audit import audit_log
from portico.web import languages
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups


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
    """Returns a printed invitation in the language of its reader, and records it in the audit log."""
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    audit_log.record(
        AuditAction.DOCUMENT_VIEWED,
        practice=request.practice,
        client=client,
        by=request.actor,
        kind="letter",
        **holders.details_of(access_lookups.access_or_default(client, relationship)),
    )
    return _attachment(invitation_letter.invitation_letter_as_pdf(client, relationship), "invitation-letter.pdf")


def _attachment(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
