"""Templates of the request's practice, by ref, and who may change them."""

from django.http import Http404

from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.practices.models import Role
from portico.web.http.request_types import OfficeRequest

TEMPLATE_EDITORS = (Role.OWNER, Role.CLINICIAN)


def get_template(request: OfficeRequest, ref: str) -> DocumentTemplate:
    """Returns the practice's template with its current version. Raises Http404."""
    rows = DocumentTemplate.objects.filter(practice=request.practice, ref=ref).select_related("current_version")
    template = rows.first()
    if template is None:
        raise Http404
    template.practice = request.practice
    return template


def get_form_template(request: OfficeRequest, ref: str) -> DocumentTemplate:
    """Returns the practice's template of a form. Raises Http404, also for a template of another kind."""
    template = get_template(request, ref)
    if template.kind != TemplateKind.FORM:
        raise Http404
    return template
