"""Downloads the file of a document of kind `file` as it is in the draft."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from portico.domain.documents.models import TemplateKind
from portico.domain.documents.templates import template_content, version_files
from portico.domain.documents.templates.template_content import LANGUAGES
from portico.web.guards import office_page
from portico.web.http import file_responses
from portico.web.http.request_types import OfficeRequest
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_template


@office_page(*TEMPLATE_EDITORS)
@require_safe
def download(request: OfficeRequest, ref: str, language: str) -> HttpResponse:
    template = get_template(request, ref)
    if template.kind != TemplateKind.FILE or language not in LANGUAGES:
        raise Http404
    file = version_files.find_stated(request.practice.pk, template_content.to_edit(template)[language].get("file"))
    if file is None:
        raise Http404
    return file_responses.download(file)
