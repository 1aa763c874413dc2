"""A form, page by page, which every button saves."""

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.documents.forms import form_pages
from portico.domain.documents.models import DocumentRequest, TemplateKind
from portico.web import saved_forms
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents, shown_version
from portico.web.portal.documents.forms import earlier_version_answers, open_form, page_saving
from portico.web.portal.documents.forms.open_form import OpenForm
from portico.web.portal.documents.forms.page_rendering import render_page
from portico.web.portal.flash_messages import Notice

SAVED_FORM_NOTICE = gettext_lazy(
    "You were signed out, and this page has not been saved yet. Check it and select Continue."
)


def respond(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Redirects to the question at which the client stopped, or to the review."""
    opened = open_form.of(request, found)
    shown = opened.page_to_continue()
    if shown is None:
        return redirect(found_documents.address(request, "portal:document_review", found.ref))
    anchor = f"#q{opened.numbers[opened.place]}" if opened.place in shown.link_ids else ""
    return redirect(flash_messages.with_notice_of(request, open_form.page_address(request, found, shown)) + anchor)


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PortalRequest, ref: str, page: int) -> HttpResponse:
    """Shows a page of the form; POST saves it and goes on."""
    found = found_documents.find(request, ref)
    if found.version.template.kind != TemplateKind.FORM:
        raise Http404
    if not found.is_open:
        return redirect(found_documents.address(request, "portal:document", ref))
    opened = open_form.of(request, found_documents.open_in(request, found))
    if request.method == "POST":
        return page_saving.receive(request, opened, page)
    kept = saved_forms.find_fields_of_client(request)
    if kept is not None and not shown_version.is_current(kept, found):
        return _show_kept_of_earlier(request, opened, kept, page)
    shown = open_form.page_with_number(opened, page)
    if kept is not None:
        posted = open_form.read(request, opened, shown, kept)
        return render_page(
            request, opened, shown, kept, errors=posted.errors, notices=[Notice("info", SAVED_FORM_NOTICE)]
        )
    if shown not in opened.open_pages:
        return redirect(open_form.page_address(request, found, opened.page_to_continue() or opened.open_pages[0]))
    return render_page(
        request, opened, shown, notices=open_form.hidden_answers_notices(opened) or shown_version.notices_of(found)
    )


def _show_kept_of_earlier(request: PortalRequest, opened: OpenForm, kept: QueryDict, number: int) -> HttpResponse:
    """Shows what was typed on a page of an earlier version before the session ended, where it is still asked."""
    opened.typed = earlier_version_answers.read(opened.found, opened.form, kept, page=number)
    shown = form_pages.page_with(opened.open_pages, next(iter(opened.typed), "")) or opened.page_to_continue()
    notices = [shown_version.updated(opened.found), Notice("info", SAVED_FORM_NOTICE)]
    return render_page(request, opened, shown or opened.open_pages[0], notices=notices)
