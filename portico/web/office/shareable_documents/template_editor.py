"""A shareable document: its texts and files in both languages, its settings, and publishing."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portico.domain.clients.models import Language
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.sharing import version_updates
from portico.domain.documents.templates import publishing, template_content, template_editing, template_files
from portico.domain.documents.templates.template_content import ENGLISH, LANGUAGES, NotReadyToPublish
from portico.plumbing.files import inspection
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import posted, posted_number
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_template
from portico.web.office.shareable_documents.preview_pages import preview_of
from portico.web.office.shareable_documents.template_forms import TemplateForm
from portico.web.office.shown_refusals import show_refusal


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    """Shows the document; saves its texts and files as the draft, and its settings."""
    template = get_template(request, ref)
    form = TemplateForm(template, posted(request), request.FILES)
    saved = _save(request, form)
    if saved is None:
        return _page(request, form)
    is_draft = bool(saved.draft)
    messages.success(request, _("Saved. Clients get the change when you publish it.") if is_draft else _("Saved."))
    return redirect("office:shareable_document", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_POST
def publish(request: OfficeRequest, ref: str) -> HttpResponse:
    """Saves what was entered, as the editor's other button does, and publishes it."""
    template = get_template(request, ref)
    form = TemplateForm(template, request.POST, request.FILES)
    saved = _save(request, form)
    if saved is None:
        return _page(request, form)
    # Another person's change may be saved already, and the page did not show it.
    revision = form.cleaned_data["revision"]
    shown = saved.revision if revision == template.revision else revision
    with show_refusal(request):
        version = publishing.publish(saved, revision=shown, by=request.actor)
        text = _("Version %(number)d is published. Clients who already have it keep the version they were sent.")
        messages.success(request, text % {"number": version.number})
    return redirect("office:shareable_document", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_POST
def discard_draft(request: OfficeRequest, ref: str) -> HttpResponse:
    template = get_template(request, ref)
    with show_refusal(request):
        template_editing.discard_draft(template, revision=posted_number(request, "revision") or 0, by=request.actor)
        messages.success(request, _("The changes were discarded."))
    return redirect("office:shareable_document", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_safe
def preview(request: OfficeRequest, ref: str, language: str) -> HttpResponse:
    """Shows the draft as a client sees it on a phone."""
    template = get_template(request, ref)
    shown = preview_of(template, language if language in LANGUAGES else ENGLISH)
    values = {
        "template": template,
        "preview": shown,
        "languages": _languages(),
        "max_megabytes": inspection.MAX_MEGABYTES,
    }
    return render(request, "office/shareable_documents/preview.html", values)


def _save(request: OfficeRequest, form: TemplateForm) -> DocumentTemplate | None:
    """Returns the saved template; None for a form that is not valid or was refused, or without posted data."""
    if not form.is_valid():
        return None
    try:
        return template_files.save(
            form.template,
            form.uploaded_files(),
            revision=form.cleaned_data["revision"],
            settings=form.settings(),
            draft=form.draft(),
            by=request.actor,
        )
    except Refused as refusal:
        form.refused(refusal)
        return None


def _page(request: OfficeRequest, form: TemplateForm) -> HttpResponse:
    template = form.template
    kind, draft = TemplateKind(template.kind), template_content.to_edit(template)
    values = {
        "template": template,
        "kind": kind,
        "form": form,
        "languages": _languages(),
        "missing": {language: template_content.missing(kind, draft, language) for language in LANGUAGES},
        "spanish_is_begun": template_content.is_begun(draft, Language.SPANISH.value),
        "minutes": _minutes(kind, template),
        "files": {language: draft[language].get("file") for language in LANGUAGES},
        "max_megabytes": inspection.MAX_MEGABYTES,
        "outdated": version_updates.count_outdated(template),
    }
    return render(request, "office/shareable_documents/edit.html", values, status=form.page_status)


def _minutes(kind: TemplateKind, template: DocumentTemplate) -> int | None:
    """Returns the minutes that clients are told once the draft is published; None while something is missing."""
    try:
        content = template_content.to_publish(kind, template_content.to_edit(template))
    except NotReadyToPublish:
        return None
    return publishing.estimate_minutes(kind, content)


def _languages() -> list[tuple[str, str]]:
    return [(language, str(Language(language).label)) for language in LANGUAGES]
