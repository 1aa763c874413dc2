"""Renders a page of a form, with the saved answers or with what was posted."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.forms.questionnaire import Item
from portico.domain.documents.templates.version_content import content_in
from portico.plumbing import tokens
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents
from portico.web.portal.documents.forms import questions
from portico.web.portal.documents.forms.open_form import OpenForm
from portico.web.portal.documents.forms.questions import Question
from portico.web.portal.flash_messages import Notice


def render_page(
    request: PortalRequest,
    opened: OpenForm,
    shown: FormPage,
    posted: QueryDict | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    others: Sequence[tuple[Item, str]] = (),
    notices: Sequence[Notice] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    fields = {item.link_id: _question(request, opened, item, posted, errors or {}) for item in shown.questions}
    number = opened.draft.number if opened.draft else 0
    shown_pages = opened.open_pages
    context = {
        "messages": notices or flash_messages.notice_of(request),
        "document": opened.found,
        "title": found_documents.title_of(opened.found),
        "text_language": opened.language,
        "page": shown,
        "fields": fields,
        "open_link_ids": opened.open_link_ids,
        "errors": [fields[link_id] for link_id in fields if fields[link_id].error],
        "others": others,
        # On the first page only.
        "note": content_in(opened.found.version, opened.language).get("note", "") if shown.number == 1 else "",
        "position": next((n for n, each in enumerate(shown_pages, start=1) if each == shown), 1),
        "total": len(shown_pages),
        "opened": f"{number}.{tokens.new_ref()}.0",
        "saved_at": opened.draft.saved_at if opened.draft else None,
    }
    return render(request, "portal/documents/form_page.html", context, status=status)


def _question(
    request: PortalRequest, opened: OpenForm, item: Item, posted: QueryDict | None, errors: Mapping[str, str]
) -> Question:
    number, is_open = opened.numbers[item.link_id], item.link_id in opened.open_link_ids
    if posted is None:
        answers = opened.answers.get(item.link_id, [])
        return questions.from_answers(item, number, answers, country=request.practice.country, is_open=is_open)
    error = errors.get(item.link_id, "")
    return questions.from_post(item, number, posted, country=request.practice.country, error=error, is_open=is_open)
