"""A request for a file: files are chosen, sent and removed, one form for each, until the client submits them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import BinaryIO, cast

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.documents.completion import signing, uploads
from portico.domain.documents.completion.uploads import FileMissing, TooManyFiles, TooManyFilesToday
from portico.domain.documents.models import DocumentRequest, TemplateKind
from portico.domain.documents.templates import version_content
from portico.plumbing.files import file_names, inspection
from portico.plumbing.files.inspection import FileRejected
from portico.web.files.accepted_files import ACCEPTED
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.documents import completion, found_documents, shown_language, shown_version


def respond(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Shows the files sent so far; POST submits them."""
    if request.method != "POST":
        return _page(request, found)
    language = shown_language.posted(request)
    if language is None:
        return _page(request, found, [str(shown_language.SHOWN_AGAIN)])
    if not shown_version.is_current(request.POST, found):
        return _page(request, found, [str(shown_version.READ_AGAIN)])
    try:
        signing.submit(
            found,
            language=language,
            draft_number=0,
            signature=None,
            signer=found_documents.signer(request),
            by=request.actor,
        )
    except FileMissing as refusal:
        return _page(request, found, [str(refusal)])
    return completion.go_on(request, found)


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: PortalRequest, ref: str) -> HttpResponse:
    """Adds the posted files. GET, as after a sign-in, leads to the page of the document."""
    found = _find(request, ref)
    page = found_documents.address(request, "portal:document", ref)
    if request.method != "POST" or not found.is_open:
        return redirect(page)
    found_documents.open_in(request, found)
    problems = _add(request, found)
    return _page(request, found, problems) if problems else redirect(page)


@portal_documents_page
@require_POST
def remove(request: PortalRequest, ref: str, upload: str) -> HttpResponse:
    found = _find(request, ref)
    chosen = uploads.find_of_request(found, upload)
    if chosen is not None:
        uploads.remove(chosen, by=request.actor)
    return redirect(found_documents.address(request, "portal:document", ref))


def _find(request: PortalRequest, ref: str) -> DocumentRequest:
    found = found_documents.find(request, ref)
    if found.version.template.kind != TemplateKind.UPLOAD:
        raise Http404
    return found


def _add(request: PortalRequest, found: DocumentRequest) -> list[str]:
    """Stores the posted files; returns a sentence for each that was refused."""
    posted = request.FILES.getlist("files")
    if not posted:
        return [str(FileMissing.message)]
    problems = []
    for file in posted:
        try:
            uploads.add(found, cast(BinaryIO, file), name=file.name or "", by=request.actor)
        except (FileRejected, TooManyFiles, TooManyFilesToday) as refusal:
            problems.append(
                _("%(name)s: %(problem)s") % {"name": file_names.of_refused(file.name or ""), "problem": refusal}
            )
    return problems


def _page(request: PortalRequest, found: DocumentRequest, problems: Sequence[str] = ()) -> HttpResponse:
    language = found_documents.language_of(found)
    content = version_content.content_in(found.version, language)
    context = {
        "messages": [] if problems else shown_version.notices_of(found),
        "document": found,
        "title": content["title"],
        "note": content["note"],
        "text_language": language,
        "files": uploads.of_request(found),
        "page_language": shown_language.shown(),
        "accepted": ACCEPTED,
        "max_files": uploads.MAX_OF_REQUEST,
        "max_megabytes": inspection.MAX_MEGABYTES,
        "problems": problems,
        "may_be_declined": found.version.template.may_be_declined,
    }
    status = HTTPStatus.UNPROCESSABLE_CONTENT if problems else HTTPStatus.OK
    return render(request, "portal/documents/upload.html", context, status=status)
