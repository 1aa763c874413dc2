"""A completed document for staff: what was answered and signed, its score, its files, its review and its PDF."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents import practice_documents
from portico.domain.documents.completion import drafts, uploads
from portico.domain.documents.forms import scores
from portico.domain.documents.forms.scores import Score
from portico.domain.documents.models import DocumentRequest, RequestState, TemplateKind
from portico.domain.documents.sharing import asking_again
from portico.domain.documents.submissions import record_proposals, reviews, submission_content
from portico.domain.practices.models import CLIENT_EDITORS, Role
from portico.plumbing import tokens
from portico.plumbing.audit import audit_log
from portico.web.files import submission_downloads
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, lookups
from portico.web.office.base_form import OfficeForm, line_field, posted_number, text_field
from portico.web.office.clients.uploads import virus_words
from portico.web.office.documents.client_documents import find_document
from portico.web.office.documents.state_labels import PILLS
from portico.web.office.shown_refusals import show_refusal


class ReviewForm(OfficeForm):
    """The note of the staff member who reviews the document."""

    note = text_field(gettext_lazy("Note"), longest=1000, rows=2)


class CountersignForm(OfficeForm):
    """The typed name with which a staff member signs for the practice."""

    name = line_field(gettext_lazy("Your full name"), longest=100, required=True)


@office_page(*CLIENT_EDITORS)
@require_safe
def show(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    found = _find_completed(client, document)
    _record(request, found, AuditAction.SUBMISSION_VIEWED)
    return _page(request, client, found, ReviewForm(), CountersignForm())


@office_page(*CLIENT_EDITORS)
@require_safe
def pdf(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Downloads the PDF; with `?countersigned=1` the one with the practice's signature."""
    found = _find_completed(lookups.get_client(request, ref), document)
    response = submission_downloads.download(
        request, found.submission, with_network_address=_sees_network_address(request)
    )
    _record(request, found, AuditAction.DOCUMENT_VIEWED, kind=submission_downloads.kind_of(request))
    return response


@office_page(*CLIENT_EDITORS)
@require_POST
def review(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Marks the document as reviewed."""
    client = lookups.get_client(request, ref)
    found = _find_completed(client, document)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, client, found, form, CountersignForm())
    with show_refusal(request):
        reviews.review(found, note=form.cleaned_data["note"], by=request.actor)
        messages.success(request, _("The document is marked as reviewed."))
    return redirect("office:submission", ref=ref, document=document)


@office_page(*CLIENT_EDITORS)
@require_POST
def ask_again(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Asks the client for the document again, with the old answers filled in where they still fit."""
    found = _find_completed(lookups.get_client(request, ref), document)
    with show_refusal(request):
        again = asking_again.ask_again(found, form_key=form_keys.key_of(request), by=request.actor)
        if drafts.of(again) is None:
            messages.success(request, _("The document was shared again."))
        else:
            messages.success(request, _("The document was shared again. Earlier answers are filled in."))
    if request.POST.get("then") == practice_documents.Filter.DUE_AGAIN:
        return redirect(f"{reverse('office:document_list')}?show={practice_documents.Filter.DUE_AGAIN}")
    return redirect("office:client_documents", ref=ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def update_record(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Writes the checked answers to the client's record."""
    found = _find_completed(lookups.get_client(request, ref), document)
    with show_refusal(request):
        applied = record_proposals.apply(
            found,
            request.POST.getlist("fields"),
            version=posted_number(request, "version") or 0,
            by=request.actor,
        )
        if applied:
            names = get_text_list([each.label for each in applied], _("and"))
            messages.success(request, _("The client record was updated: %(fields)s.") % {"fields": names})
        else:
            messages.info(request, _("Nothing was changed. Check what you want to copy to the client record."))
    return redirect("office:submission", ref=ref, document=document)


@office_page(*CLIENT_EDITORS)
@require_POST
def countersign(request: OfficeRequest, ref: str, document: str) -> HttpResponse:
    """Adds the practice's signature."""
    client = lookups.get_client(request, ref)
    found = _find_completed(client, document)
    form = CountersignForm(request.POST)
    if not form.is_valid():
        return _page(request, client, found, ReviewForm(), form)
    with show_refusal(request):
        reviews.countersign(found, name=form.cleaned_data["name"], by=request.actor)
        messages.success(request, _("The document is countersigned."))
    return redirect("office:submission", ref=ref, document=document)


def _find_completed(client: Client, ref: str) -> DocumentRequest:
    found = find_document(client, ref)
    if not found.is_complete:
        raise Http404
    found.submission.request = found
    return found


def _page(
    request: OfficeRequest, client: Client, found: DocumentRequest, form: ReviewForm, countersign_form: CountersignForm
) -> HttpResponse:
    submission = found.submission
    is_invalid = form.is_bound or countersign_form.is_bound
    context = {
        "client": client,
        "document": found,
        "submission": submission,
        "content": submission_content.content_of(submission, with_network_address=_sees_network_address(request)),
        "score": _score_of(found),
        "files": [(each, virus_words(each.file)) for each in uploads.of_request(found)],
        "proposals": record_proposals.proposals_of(found),
        "review": getattr(submission, "review", None),
        "countersignature": getattr(submission, "countersignature", None),
        "is_countersignable": found.version.template.kind == TemplateKind.CONSENT,
        "form": form,
        "form_key": tokens.new_token(),
        "countersign_form": countersign_form,
        "state": RequestState(found.state),
        "pills": PILLS,
    }
    status = HTTPStatus.UNPROCESSABLE_CONTENT if is_invalid else HTTPStatus.OK
    return render(request, "office/documents/submission.html", context, status=status)


def _score_of(found: DocumentRequest) -> Score | None:
    if found.version.template.kind != TemplateKind.FORM:
        return None
    submission = found.submission
    return scores.score(drafts.questionnaire_of(found.version, submission.language), submission.answers)


def _sees_network_address(request: OfficeRequest) -> bool:
    return request.staff.role == Role.OWNER


def _record(request: OfficeRequest, found: DocumentRequest, action: AuditAction, **details: str) -> None:
    audit_log.record(
        action,
        practice=request.practice,
        client=found.client,
        by=request.actor,
        about=found.submission.ref,
        **details,
    )
