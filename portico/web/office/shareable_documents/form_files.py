"""Importing and exporting intake forms as files: FHIR R4 Questionnaires."""

import json

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Language
from portico.domain.documents.forms import importing, questionnaire_check
from portico.domain.documents.forms.questionnaire_check import ItemProblem, QuestionnaireRefused
from portico.domain.documents.models import DocumentTemplate
from portico.domain.documents.models.templates import MAX_TITLE
from portico.domain.documents.templates import form_files
from portico.domain.documents.templates.template_content import ENGLISH, LANGUAGES
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field, posted
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_form_template
from portico.web.office.shareable_documents.template_forms import revision_field


class ImportForm(OfficeForm):
    """A file, and the title of the new document; empty for the title in the file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".json,application/json,application/fhir+json"}),
    )
    title = line_field(gettext_lazy("Title"), longest=MAX_TITLE)


class TranslationForm(OfficeForm):
    """A file with the Spanish of a form."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".json,application/json,application/fhir+json"}),
    )
    revision = revision_field()


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def import_form(request: OfficeRequest) -> HttpResponse:
    form = ImportForm(posted(request), request.FILES or None)
    if not form.is_valid():
        return _import_page(request, form)
    try:
        imported = importing.read_file(_content(form.cleaned_data["file"]))
        title = form.cleaned_data["title"] or imported.title or _("Imported form")
        template = form_files.create_from(request.practice, imported, title=title, by=request.actor)
    except QuestionnaireRefused as refusal:
        return _import_page(request, form, refusal.problems)
    except Refused as refusal:
        return _import_page(request, form.refused(refusal))
    messages.success(request, _("%(title)s was imported as a draft.") % {"title": template.title})
    return redirect("office:document_questions", ref=template.ref)


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def import_translation(request: OfficeRequest, ref: str) -> HttpResponse:
    """Reads the Spanish of a form from a file with the same questions."""
    template = get_form_template(request, ref)
    form = TranslationForm(posted(request), request.FILES or None, initial={"revision": template.revision})
    if not form.is_valid():
        return _import_page(request, form, template=template)
    try:
        imported = importing.read_file(_content(form.cleaned_data["file"]))
        form_files.set_translation(
            template,
            imported,
            language=Language.SPANISH.value,
            revision=form.cleaned_data["revision"],
            by=request.actor,
        )
    except QuestionnaireRefused as refusal:
        return _import_page(request, form, refusal.problems, template=template)
    except Refused as refusal:
        return _import_page(request, form.refused(refusal), template=template)
    messages.success(request, _("The Spanish texts were imported into the draft."))
    return redirect("office:document_questions", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_safe
def export(request: OfficeRequest, ref: str, language: str) -> HttpResponse:
    """Downloads the draft, or the published version if there is no draft, as a Questionnaire in one language."""
    template = get_form_template(request, ref)
    chosen = language if language in LANGUAGES else ENGLISH
    resource = form_files.to_export(template, language=chosen)
    if problems := questionnaire_check.check(form_files.without_descriptions(resource)):
        messages.error(request, _("This form can’t be exported yet. %(problem)s") % {"problem": problems[0].reason})
        return redirect("office:document_questions", ref=ref)
    audit_log.record(
        AuditAction.TEMPLATE_EXPORTED,
        practice=request.practice,
        by=request.actor,
        about=template.ref,
        title=template.title,
        language=chosen,
    )
    response = HttpResponse(json.dumps(resource, ensure_ascii=False, indent=2), content_type="application/fhir+json")
    response["Content-Disposition"] = f'attachment; filename="form-{template.ref}-{chosen}.json"'
    return response


def _import_page(
    request: OfficeRequest,
    form: OfficeForm,
    problems: list[ItemProblem] | None = None,
    *,
    template: DocumentTemplate | None = None,
) -> HttpResponse:
    values = {"form": form, "problems": problems or [], "template": template, "max_megabytes": importing.MAX_MEGABYTES}
    status = 422 if problems else form.page_status
    return render(request, "office/shareable_documents/import.html", values, status=status)


def _content(file: "UploadedFile[bytes]") -> bytes:
    """Returns the file's content, or one byte more than is accepted of a larger one."""
    content: bytes = file.read(importing.MAX_BYTES + 1)
    return content
