"""A completed document: what was answered and signed, and its PDF, for as long as the client has access."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.submissions import submission_content
from portico.plumbing.audit import audit_log
from portico.web.files import submission_downloads
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.documents import found_documents


def respond(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Shows the answers, or the text that was signed, with the signature."""
    if request.client_view is None:
        _record(request, AuditAction.COMPLETED_DOCUMENT_SEEN, found)
    context = {
        "document": found,
        "submission": found.submission,
        "is_countersigned": getattr(found.submission, "countersignature", None) is not None,
        "content": submission_content.content_of(found.submission),
    }
    return render(request, "portal/documents/completed.html", context)


@portal_documents_page
@require_safe
def pdf(request: PortalRequest, ref: str) -> HttpResponse:
    found = found_documents.find(request, ref)
    if not found.is_complete:
        raise Http404
    response = submission_downloads.download(request, found.submission)
    _record(request, AuditAction.DOCUMENT_VIEWED, found, kind=submission_downloads.kind_of(request))
    return response


def _record(request: PortalRequest, action: AuditAction, found: DocumentRequest, **details: str) -> None:
    audit_log.record(
        action,
        practice=request.practice,
        client=request.client,
        by=request.actor,
        about=found.submission.ref,
        **details,
    )
