"""A file that the practice shares: it is downloaded, and confirmed as read."""

from collections.abc import Sequence
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import request_states, signing
from portico.domain.documents.models import DocumentRequest, RequestState, TemplateKind
from portico.domain.documents.refusals import FileNotReadable
from portico.domain.documents.templates import version_content, version_files
from portico.web.guards import portal_documents_page
from portico.web.http import file_responses
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import completion, found_documents, shown_language, shown_version
from portico.web.portal.flash_messages import Notice


def respond(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Shows the file's name and size with its download; POST confirms that it was read."""
    if request.method != "POST":
        return _page(request, found)
    language = shown_language.posted(request)
    if language is None:
        notices = [Notice("error", shown_language.SHOWN_AGAIN)]
        return _page(request, found, HTTPStatus.CONFLICT, notices=notices)
    if not shown_version.is_current(request.POST, found):
        return _page(request, found, HTTPStatus.CONFLICT, notices=[shown_version.updated(found)])
    try:
        signing.submit(
            found,
            language=language,
            draft_number=0,
            signature=None,
            signer=found_documents.signer(request),
            by=request.actor,
        )
    except FileNotReadable as refusal:
        # The page says so in place of the file.
        return _page(request, found, HTTPStatus(refusal.status))
    return completion.go_on(request, found)


def _page(
    request: PortalRequest,
    found: DocumentRequest,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    notices: Sequence[Notice] = (),
) -> HttpResponse:
    language = found_documents.language_of(found)
    content = version_content.content_in(found.version, language)
    context = {
        "messages": notices or [*flash_messages.notice_of(request), *shown_version.notices_of(found)],
        "page_language": shown_language.shown(),
        "document": found,
        "title": content["title"],
        "note": content["note"],
        "text_language": language,
        "file": version_files.find(found.version, language),
        "may_be_declined": found.version.template.may_be_declined,
    }
    return render(request, "portal/documents/shared_file.html", context, status=status)


def _language_to_download(request: PortalRequest, found: DocumentRequest) -> str:
    """Returns the language in which it was completed; until then that of the page with the link."""
    if found.is_complete and found.language:
        return found.language
    shown = request.GET.get(shown_language.FIELD, "")
    return shown if shown in found.version.content else found_documents.language_of(found)


@portal_documents_page
@require_safe
def download(request: PortalRequest, ref: str) -> HttpResponse:
    """Returns the file; also after the document was completed. 404 if it was withdrawn."""
    found = found_documents.find(request, ref)
    if found.version.template.kind != TemplateKind.FILE or found.state == RequestState.WITHDRAWN:
        raise Http404
    language = _language_to_download(request, found)
    file = version_files.find(found.version, language)
    if file is None:
        raise Http404
    response = file_responses.download(file)
    if request.client_view is None:
        request_states.record(AuditAction.SHARED_FILE_OPENED, found, by=request.actor, sha256=file.sha256)
    return response
