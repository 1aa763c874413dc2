"""The files that a client sent: listed among the documents, and downloaded."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import Upload
from portico.domain.documents.templates import version_content
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing.audit import audit_log
from portico.plumbing.files import virus_checks
from portico.plumbing.models import StoredFile, VirusCheck
from portico.web.guards import office_page
from portico.web.http import file_responses
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups


@dataclass(frozen=True)
class ListedFile:
    """A file with the title of its request, and what staff should know before they open it."""

    upload: Upload
    title: str
    words: str


def list_of(client: Client) -> tuple[list[ListedFile], bool]:
    """Returns the client's files, newest first, up to MAX_LISTED, and whether there are more, in one query."""
    found = uploads.of_client(client)
    listed = [ListedFile(each, _title_of(each), virus_words(each.file)) for each in found[: uploads.MAX_LISTED]]
    return listed, len(found) > uploads.MAX_LISTED


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest, ref: str) -> HttpResponse:
    """Leads to the files among the client's documents, for those who kept the address of an earlier version."""
    client = lookups.get_client(request, ref)
    return redirect(reverse("office:client_documents", args=[client.ref]) + "#files")


@office_page(*CLIENT_EDITORS)
@require_safe
def download(request: OfficeRequest, ref: str, upload: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    found = uploads.find_of_client(client, upload)
    if found is None:
        raise Http404
    response = file_responses.download(found.file)
    audit_log.record(
        AuditAction.UPLOAD_DOWNLOADED,
        practice=request.practice,
        client=client,
        by=request.actor,
        about=found.ref,
        sha256=found.file.sha256,
    )
    return response


def virus_words(file: StoredFile) -> str:
    """Returns what staff should know before they open the file; empty if it was found clean."""
    match VirusCheck(file.virus_check):
        case VirusCheck.INFECTED:
            return _("A virus was found (%(virus)s). The file was deleted.") % {"virus": file.virus_name}
        case VirusCheck.CHECKING if virus_checks.is_late(file):
            return _("The virus scanner doesn’t answer. Tell your system administrator.")
        case VirusCheck.CHECKING:
            return _("Being checked for viruses. Try again in a minute.")
        case VirusCheck.NOT_CHECKED:
            return _("Not checked for viruses.")
        case _:
            return ""


def _title_of(upload: Upload) -> str:
    title: str = version_content.content_in(upload.request.version, "en")["title"]
    return title
