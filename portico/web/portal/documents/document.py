"""One document: what is open leads to its pages, what is completed shows what was sent."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, TemplateKind
from portico.domain.documents.refusals import DocumentUpdated
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.documents import completed, completion, consent, found_documents, shared_file, uploads
from portico.web.portal.documents.forms import form

# The page of an open document by its kind. It answers GET, and POST if `show` is where its form is sent.
PAGES: dict[str, Callable[[PortalRequest, DocumentRequest], HttpResponse]] = {
    TemplateKind.CONSENT: consent.respond,
    TemplateKind.FORM: form.respond,
    TemplateKind.FILE: shared_file.respond,
    TemplateKind.UPLOAD: uploads.respond,
}


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PortalRequest, ref: str) -> HttpResponse:
    found = found_documents.find(request, ref)
    if request.method == "POST":
        if found.is_complete:
            # Sent again: the first signature counts.
            return completion.go_on(request, found)
        request_states.refuse_unless_open(found)
    elif found.is_complete:
        return completed.respond(request, found)
    elif not found.is_open:
        context = {"document": found, "title": found_documents.title_of(found)}
        return render(request, "portal/documents/ended.html", context)
    respond = PAGES[found.version.template.kind]
    try:
        return respond(request, found_documents.open_in(request, found))
    except DocumentUpdated:
        # The request, loaded again, has a later version than the posted page, and the page says so.
        return respond(request, found_documents.find(request, ref))
