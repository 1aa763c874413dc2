"""The file of a document of kind `file`: staff upload it in each language, and download what is in the draft."""

from typing import BinaryIO, cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.documents import template_content, template_files, version_files
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.template_content import LANGUAGES
from portico.domain.documents.uploads import FileMissing
from portico.web.guards import office_page
from portico.web.http import file_responses
from portico.web.http.request_types import OfficeRequest
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_template
from portico.web.office.shareable_documents.template_editor import revision_of
from portico.web.office.shown_refusals import show_refusal


@office_page(*TEMPLATE_EDITORS)
@require_POST
def upload(request: OfficeRequest, ref: str, language: str) -> HttpResponse:
    """Puts the posted file into the draft."""
    template = _find(request, ref, language)
    posted = request.FILES.get("file")
    with show_refusal(request):
        if posted is None:
            raise FileMissing
        template_files.put(
            template,
            cast(BinaryIO, posted),
            name=posted.name or "",
            language=language,
            revision=revision_of(request),
            by=request.actor,
        )
        messages.success(request, _("Saved. Clients get the change when you publish it."))
    return redirect("office:shareable_document", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_safe
def download(request: OfficeRequest, ref: str, language: str) -> HttpResponse:
    template = _find(request, ref, language)
    file = version_files.find_stated(request.practice.pk, template_content.to_edit(template)[language].get("file"))
    if file is None:
        raise Http404
    return file_responses.download(file)


def _find(request: OfficeRequest, ref: str, language: str) -> DocumentTemplate:
    template = get_template(request, ref)
    if template.kind != TemplateKind.FILE or language not in LANGUAGES:
        raise Http404
    return template
