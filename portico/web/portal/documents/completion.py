"""After a document was completed: the next one, or the page that says that everything is done."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from portico.domain.documents.completion import portal_requests
from portico.domain.documents.models import DocumentRequest
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents


def go_on(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Redirects to the next document to complete; after the last one, to the page `done`."""
    progress = portal_requests.progress(request.access)
    if progress is None:
        return redirect(found_documents.address(request, "portal:documents_done", found.ref))
    following = found_documents.address(request, "portal:document", progress.next_ref)
    return flash_messages.redirect_with_notice(following, flash_messages.DOCUMENT_COMPLETED)


@portal_documents_page
@require_safe
def done(request: PortalRequest, ref: str) -> HttpResponse:
    """Shows that nothing is left to do, with what was completed of the same packet."""
    found = found_documents.find(request, ref)
    completed = portal_requests.completed_of_packet(request.access, found.packet_id, get_language() or "en")
    progress = portal_requests.progress(request.access)
    return render(request, "portal/documents/done.html", {"completed": completed, "progress": progress})
