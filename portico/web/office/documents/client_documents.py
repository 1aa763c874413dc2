"""A client's `Documents`: what was shared with them, and where each document stands."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents import client_documents
from portico.domain.documents.completion import request_states
from portico.domain.documents.completion.uploads import MAX_LISTED
from portico.domain.documents.models import DocumentRequest
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing.audit import audit_log
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.clients import uploads
from portico.web.office.documents.state_labels import PILLS
from portico.web.office.shown_refusals import show_refusal


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest, ref: str) -> HttpResponse:
    """Lists the packets, newest first, with the state of each document; on the first page, the files that were sent."""
    client = lookups.get_client(request, ref)
    listed = client_documents.list_for(client, before=request.GET.get("before", ""))
    audit_log.record(AuditAction.DOCUMENTS_VIEWED, practice=request.practice, client=client, by=request.actor)
    files, has_more_files = ([], False) if listed.is_later_page else uploads.list_of(client)
    context = {
        "client": client,
        "listed": listed,
        "pills": PILLS,
        "files": files,
        "has_more_files": has_more_files,
        "most_files": MAX_LISTED,
    }
    return render(request, "office/documents/client.html", context)


@office_page(*CLIENT_EDITORS)
@require_POST
def withdraw(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Takes back a document that the client has not completed."""
    client = lookups.get_client(request, ref)
    found = find_document(client, document)
    with show_refusal(request):
        request_states.withdraw(found, by=request.actor)
        messages.success(request, _("The document was withdrawn. The client no longer sees it."))
    return redirect("office:client_documents", ref=ref)


def find_document(client: Client, ref: str) -> DocumentRequest:
    """Returns one of the client's requests. Raises Http404."""
    found = client_documents.find(client, ref)
    if found is None:
        raise Http404
    return found
