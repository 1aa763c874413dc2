"""`Share with many`: documents and recipients, the email, and the preview that starts the run."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portico.domain.access.models import LeftOutReason, RunKind
from portico.domain.access.onboarding.bulk_selection import Selection, SelectionRefused
from portico.domain.access.onboarding.run_creation import PlannedItem
from portico.domain.clients.models import Language, PortalState
from portico.domain.documents.sharing import bulk_preview, bulk_sharing, document_mails, shareable
from portico.domain.documents.sharing.bulk_preview import SharePreview, ShareSelection
from portico.domain.practices.mail_texts import MailText
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, names_shown
from portico.web.office.documents.bulk_share_form import BulkShareForm
from portico.web.office.documents.share_steps import EMAIL, ITEMS, REVIEW, SEND
from portico.web.office.invitations import chosen_clients
from portico.web.office.invitations.run_preview import MAX_DIGEST
from portico.web.office.names_shown import NamesShown
from portico.web.office.roles import CLIENT_EDITORS


@dataclass(frozen=True)
class LanguageRow:
    """The number of emails in a language with the same text, which has placeholders."""

    label: str
    code: str
    number: int
    text: MailText


@dataclass(frozen=True)
class LeftOutRow:
    """A reason with the people who are left out for it."""

    reason: LeftOutReason
    names: NamesShown[PlannedItem]


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OfficeRequest) -> HttpResponse:
    """Shows the steps one after the other, for the clients in the query; the last button starts the run."""
    try:
        selection = chosen_clients.selection_of(request, RunKind.SHARE)
        if request.method == "POST":
            return _answer(request, selection)
        form = BulkShareForm(request.practice, document=request.GET.get("document", ""))
        return _items_page(request, selection, form)
    except SelectionRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(chosen_clients.list_of(request))


def _answer(request: OfficeRequest, selection: Selection) -> HttpResponse:
    """Returns the page of the wanted step, or of an earlier one whose fields have errors; or starts the run."""
    wanted = request.POST.get("action", "")
    form = BulkShareForm(request.practice, request.POST)
    if wanted not in (EMAIL, REVIEW, SEND):
        return _items_page(request, selection, form)
    form.is_valid()
    if form.errors.keys() & {"recipients", "documents", "asks_again"}:
        return _items_page(request, selection, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    choice = _choice(request, selection, form)
    preview = bulk_preview.preview(request.practice, choice)
    if wanted == EMAIL:
        return _email_page(request, form, preview)
    form.require_texts(preview.languages)
    if form.errors:
        return _email_page(request, form, preview, HTTPStatus.UNPROCESSABLE_CONTENT)
    if wanted == REVIEW:
        return _review_page(request, form, preview)
    return _start(request, form, choice, preview)


def _start(request: OfficeRequest, form: BulkShareForm, choice: ShareSelection, preview: SharePreview) -> HttpResponse:
    try:
        run = bulk_sharing.start(
            request.practice,
            choice,
            texts=form.texts_for(preview.languages),
            shown=request.POST.get("shown", "")[:MAX_DIGEST],
            form_key=form_keys.key_of(request),
            requested_by=request.staff,
        )
    except SelectionRefused:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _review_page(request, form, preview, HTTPStatus.CONFLICT)
    return redirect("office:document_run", ref=run.ref)


def _choice(request: OfficeRequest, selection: Selection, form: BulkShareForm) -> ShareSelection:
    versions = shareable.versions_of(request.practice, form.cleaned_data["documents"])
    return ShareSelection(selection, tuple(versions), form.chosen_recipients, form.cleaned_data["asks_again"])


def _items_page(
    request: OfficeRequest, selection: Selection, form: BulkShareForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    listed = selection.listed
    context = {
        "number": len(bulk_preview.chosen_ids(request.practice, selection)),
        # With all clients of a list, the page itself can narrow them.
        "listed": listed,
        "states": PortalState,
        "document": request.GET.get("document", ""),
        "hidden": form.hidden("recipients", "documents", "asks_again"),
    }
    return _page(request, form, ITEMS, context, status)


def _email_page(
    request: OfficeRequest, form: BulkShareForm, preview: SharePreview, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    shown = [f"{name}_{code}" for code in preview.languages for name in ("subject", "message")]
    context = {
        "editors": form.editors(preview.languages),
        "languages": dict(Language.choices),
        "placeholders": document_mails.PLACEHOLDERS,
        "hidden": form.hidden(*shown),
    }
    return _page(request, form, EMAIL, context, status)


def _review_page(
    request: OfficeRequest, form: BulkShareForm, preview: SharePreview, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    chosen = [each for each in form.offered if each.ref in form.cleaned_data["documents"]]
    context = {
        "chosen": chosen,
        "minutes": sum(each.minutes for each in chosen),
        "number": len(preview.shared),
        "shared": NamesShown.of([each.item for each in preview.shared]),
        "parents_apart": names_shown.with_parents_apart(each.item.client for each in preview.shared),
        "languages": _language_rows(preview, form.texts_for(preview.languages)),
        "left_out": [LeftOutRow(reason, NamesShown.of(people)) for reason, people in preview.left_out.items()],
        "number_left_out": len(preview.planned) - len(preview.shared),
        "per_second": settings.EMAIL_PER_SECOND,
        "shown": preview.digest,
        "hidden": form.hidden(),
    }
    return _page(request, form, REVIEW, context, status)


def _language_rows(preview: SharePreview, texts: Mapping[str, MailText]) -> list[LanguageRow]:
    """Returns a row for each text that is sent, the most frequent first."""
    accesses = [each.access for each in preview.shared if each.access is not None]
    sent = Counter((each.holder_language, document_mails.text_for(each, texts)) for each in accesses)
    return [LanguageRow(str(Language(code).label), code, number, text) for (code, text), number in sent.most_common()]


def _page(
    request: OfficeRequest, form: BulkShareForm, step: str, context: Mapping[str, object], status: HTTPStatus
) -> HttpResponse:
    frame = {
        "form": form,
        "step": step,
        "form_key": form_keys.key_of(request),
        "back_url": chosen_clients.list_of(request),
    }
    return render(request, f"office/document_runs/{step}.html", {**context, **frame}, status=status)
