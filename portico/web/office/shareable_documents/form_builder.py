"""The questions of an intake form: adding, changing, moving and deleting them, a page for each question."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portico.domain.documents.forms import scores
from portico.domain.documents.forms.building import form_items, item_changes
from portico.domain.documents.forms.building.form_items import JsonItem, Questionnaires
from portico.domain.documents.forms.questionnaire import ItemType, parse
from portico.domain.documents.models import DocumentTemplate
from portico.domain.documents.templates import template_content, template_editing
from portico.domain.documents.templates.template_content import ENGLISH, LANGUAGES, Content
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import posted, posted_number
from portico.web.office.shareable_documents.found_templates import TEMPLATE_EDITORS, get_form_template
from portico.web.office.shareable_documents.item_form import ItemForm
from portico.web.office.shareable_documents.template_labels import ITEM_TYPES
from portico.web.office.shown_refusals import show_refusal


@dataclass(frozen=True)
class ListedItem:
    """An item in the list of questions. `number` counts all items from 1 and is its address; `place` is from 0."""

    item: JsonItem
    number: int
    place: int
    depth: int
    kind: str
    is_last: bool
    needs_spanish: bool
    # The number of items in a page or group, which are deleted with it.
    inside: int


@office_page(*TEMPLATE_EDITORS)
@require_safe
def index(request: OfficeRequest, ref: str) -> HttpResponse:
    template = get_form_template(request, ref)
    form = _questionnaires(template_content.to_edit(template))
    values = {
        "template": template,
        "items": _listed(form),
        "scale": scores.find_scale(parse(form[ENGLISH])),
    }
    return render(request, "office/shareable_documents/questions.html", values)


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: OfficeRequest, ref: str) -> HttpResponse:
    template = get_form_template(request, ref)
    form = _questionnaires(template_content.to_edit(template))
    groups = [each["linkId"] for each in form_items.walk(form[ENGLISH]["item"]) if each["type"] == ItemType.GROUP]
    asked = request.GET.get("page", "")
    entry = ItemForm(
        form, None, data=posted(request), revision=template.revision, group=asked if asked in groups else ""
    )
    return _save(
        request,
        template,
        entry,
        lambda: item_changes.add(form, entry.entered(), group=entry.cleaned_data["group"])[0],
    )


@office_page(*TEMPLATE_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str, number: int) -> HttpResponse:
    template, form, item = _find(request, ref, number)
    entry = ItemForm(form, item, data=posted(request), revision=template.revision)
    return _save(
        request,
        template,
        entry,
        lambda: item_changes.change(form, item["linkId"], entry.entered(), group=entry.cleaned_data["group"]),
    )


@office_page(*TEMPLATE_EDITORS)
@require_POST
def move(request: OfficeRequest, ref: str, number: int) -> HttpResponse:
    """Moves an item to the posted place among its neighbors, from 0."""
    template, form, item = _find(request, ref, number)
    place = posted_number(request, "place")
    with show_refusal(request):
        if place is not None:
            _store(
                request,
                template,
                item_changes.move(form, item["linkId"], to=place),
                posted_number(request, "revision") or 0,
            )
    return redirect("office:document_questions", ref=ref)


@office_page(*TEMPLATE_EDITORS)
@require_POST
def remove(request: OfficeRequest, ref: str, number: int) -> HttpResponse:
    template, form, item = _find(request, ref, number)
    with show_refusal(request):
        _store(request, template, item_changes.remove(form, item["linkId"]), posted_number(request, "revision") or 0)
        messages.success(request, _("“%(text)s” was deleted.") % {"text": item["text"]})
    return redirect("office:document_questions", ref=ref)


def _save(
    request: OfficeRequest, template: DocumentTemplate, entry: ItemForm, change: Callable[[], Questionnaires]
) -> HttpResponse:
    if not entry.is_valid():
        return _item_page(request, template, entry)
    try:
        _store(request, template, change(), entry.cleaned_data["revision"])
    except Refused as refusal:
        return _item_page(request, template, entry.refused(refusal))
    messages.success(request, _("Saved. Clients get the change when you publish the form."))
    if request.POST.get("then") == "another":
        return redirect("office:new_document_question", ref=template.ref)
    return redirect("office:document_questions", ref=template.ref)


def _item_page(request: OfficeRequest, template: DocumentTemplate, entry: ItemForm) -> HttpResponse:
    values = {"template": template, "form": entry, "item": entry.item}
    return render(request, "office/shareable_documents/question.html", values, status=entry.page_status)


def _store(request: OfficeRequest, template: DocumentTemplate, form: Questionnaires, revision: int) -> None:
    draft = template_content.to_edit(template)
    for language in LANGUAGES:
        draft[language]["questionnaire"] = form[language]
    template_editing.save_draft(template, revision=revision, draft=draft, by=request.actor)


def _find(request: OfficeRequest, ref: str, number: int) -> tuple[DocumentTemplate, Questionnaires, JsonItem]:
    """Returns the template, its form, and the item with the number. Raises Http404."""
    template = get_form_template(request, ref)
    form = _questionnaires(template_content.to_edit(template))
    items = list(form_items.walk(form[ENGLISH]["item"]))
    if not 1 <= number <= len(items):
        raise Http404
    return template, form, items[number - 1]


def _questionnaires(content: Content) -> Questionnaires:
    return {language: content[language]["questionnaire"] for language in LANGUAGES}


def _listed(form: Questionnaires) -> list[ListedItem]:
    spanish = {each["linkId"]: each for each in form_items.walk(form["es"]["item"])}
    listed: list[ListedItem] = []

    def add_all(items: list[JsonItem], depth: int) -> None:
        for place, item in enumerate(items):
            translated = spanish[item["linkId"]]
            listed.append(
                ListedItem(
                    item=item,
                    number=len(listed) + 1,
                    place=place,
                    depth=depth,
                    kind=str(ITEM_TYPES[ItemType(item["type"])]),
                    is_last=place == len(items) - 1,
                    needs_spanish=not form_items.is_translated(translated),
                    inside=sum(1 for _each in form_items.walk(item.get("item", []))),
                )
            )
            add_all(item.get("item", []), depth + 1)

    add_all(form[ENGLISH]["item"], 0)
    return listed
