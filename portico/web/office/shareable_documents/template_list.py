"""`Settings` > `Shareable documents`: the list, in the order in which clients get the documents."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portico.domain.documents.models import TemplateKind
from portico.domain.documents.templates import starter_set, template_editing, template_list
from portico.domain.documents.templates.template_list import TemplateRow
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import posted, posted_number
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_template
from portico.web.office.shareable_documents.template_forms import NewTemplateForm
from portico.web.office.shareable_documents.template_labels import KIND_HINTS
from portico.web.office.shown_refusals import show_refusal


@dataclass(frozen=True)
class ListedTemplate:
    """A row of the list with its place, from 0."""

    row: TemplateRow
    place: int


@office_page(*TEMPLATE_EDITORS)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    rows = template_list.active(request.practice)
    titles = {row.title for row in rows}
    values = {
        "rows": [ListedTemplate(row, place) for place, row in enumerate(rows)],
        "archived": template_list.archived(request.practice),
        "starters": [each.title for each in starter_set.STARTER_SET if each.title not in titles],
    }
    return render(request, "office/shareable_documents/index.html", values)


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OfficeRequest) -> HttpResponse:
    form = NewTemplateForm(posted(request), initial={"kind": TemplateKind.CONSENT})
    if not form.is_valid():
        return _new_page(request, form)
    kind, title = TemplateKind(form.cleaned_data["kind"]), form.cleaned_data["title"]
    try:
        template = template_editing.create(request.practice, kind=kind, title=title, by=request.actor)
    except Refused as refusal:
        return _new_page(request, form.refused(refusal))
    return redirect("office:shareable_document", ref=template.ref)


def _new_page(request: OfficeRequest, form: NewTemplateForm) -> HttpResponse:
    values = {"form": form, "hints": [(kind.label, hint) for kind, hint in KIND_HINTS.items()]}
    return render(request, "office/shareable_documents/new.html", values, status=form.page_status)


@office_page(*TEMPLATE_EDITORS)
@require_POST
def add_starter_set(request: OfficeRequest) -> HttpResponse:
    with show_refusal(request):
        number = len(starter_set.add(request.practice, by=request.actor))
        added = ngettext("%(number)d document was added.", "%(number)d documents were added.", number)
        text = (
            f"{added % {'number': number}} {_('Read each one, change what differs in your practice, then publish it.')}"
        )
        messages.success(request, text)
    return redirect("office:shareable_documents")


@office_page(*TEMPLATE_EDITORS)
@require_POST
def move(request: OfficeRequest, ref: str) -> HttpResponse:
    """Moves a document to the posted place, from 0."""
    template, place = get_template(request, ref), posted_number(request, "place")
    with show_refusal(request):
        if place is not None:
            template_editing.move(template, to=place, by=request.actor)
    return redirect("office:shareable_documents")


@office_page(*TEMPLATE_EDITORS)
@require_POST
def archive(request: OfficeRequest, ref: str) -> HttpResponse:
    template = template_editing.archive(get_template(request, ref), by=request.actor)
    text = _("%(title)s was archived. Clients who already have it can still complete it.") % {"title": template.title}
    messages.success(request, text)
    return redirect("office:shareable_documents")


@office_page(*TEMPLATE_EDITORS)
@require_POST
def restore(request: OfficeRequest, ref: str) -> HttpResponse:
    with show_refusal(request):
        template = template_editing.restore(get_template(request, ref), by=request.actor)
        messages.success(request, _("%(title)s is back at the end of the list.") % {"title": template.title})
    return redirect("office:shareable_documents")


@office_page(*TEMPLATE_EDITORS)
@require_POST
def duplicate(request: OfficeRequest, ref: str) -> HttpResponse:
    template = shown = get_template(request, ref)
    with show_refusal(request):
        shown = template_editing.duplicate(template, by=request.actor)
    return redirect("office:shareable_document", ref=shown.ref)


@office_page(*TEMPLATE_EDITORS)
@require_POST
def set_in_welcome_packet(request: OfficeRequest, ref: str) -> HttpResponse:
    template = get_template(request, ref)
    with show_refusal(request):
        template_editing.set_in_welcome_packet(
            template, included=request.POST.get("included") == "yes", by=request.actor
        )
    return redirect("office:shareable_documents")
