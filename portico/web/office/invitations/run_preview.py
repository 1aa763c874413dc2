"""The preview of invitations to many clients: how many are sent, in which text, who is left out; and the start."""

from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portico.domain.access.models import INVITING, InvitationRun, LeftOutReason, RunKind
from portico.domain.access.onboarding import bulk_selection, invitation_runs, invitation_text
from portico.domain.access.onboarding.bulk_selection import InvitationPreview, Selection
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients.models import Client, Language
from portico.domain.documents.sharing import shareable
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.refusals import Refused
from portico.plumbing.text import input_validation
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, names_shown
from portico.web.office.invitations import chosen_clients
from portico.web.office.names_shown import NamesShown
from portico.web.office.roles import CLIENT_EDITORS

MAX_DIGEST = 64


@dataclass(frozen=True)
class LanguageRow:
    """The number of invitations in a language, and the practice's text for them."""

    label: str
    code: str
    number: int
    text: InvitationText


@dataclass(frozen=True)
class LeftOutRow:
    """A reason with the clients who are left out for it."""

    reason: LeftOutReason
    names: NamesShown[Client]


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: OfficeRequest) -> HttpResponse:
    """Shows the preview for the selection in the query, and starts the run."""
    selection = None
    try:
        selection = _selection(request)
        if request.method == "POST":
            return _start(request, selection)
        preview = bulk_selection.preview(request.practice, selection)
    except bulk_selection.SelectionRefused as refusal:
        messages.error(request, str(refusal))
        run = selection.run if selection is not None else None
        return redirect(chosen_clients.list_of(request) if run is None else _url_of(run))
    return render(request, "office/invitations/preview.html", _context(request, selection, preview))


def _start(request: OfficeRequest, selection: Selection) -> HttpResponse:
    try:
        run = invitation_runs.start(
            request.practice,
            selection,
            shown=request.POST.get("shown", "")[:MAX_DIGEST],
            form_key=form_keys.key_of(request),
            requested_by=request.staff,
        )
    except bulk_selection.SelectionRefused:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(request.get_full_path())
    return redirect("office:invitation_run", ref=run.ref)


def _context(request: OfficeRequest, selection: Selection, preview: InvitationPreview) -> dict[str, object]:
    return {
        "kind": selection.kind,
        "number": preview.number,
        "number_of_clients": len(preview.invited),
        "contacts": NamesShown.of(preview.contacts),
        "offered": len(preview.offered),
        "contacts_left_out": [
            (reason, NamesShown.of(accesses)) for reason, accesses in preview.contacts_left_out.items()
        ],
        "contacts_url": chosen_clients.query_with_contacts(request, included=not selection.with_contacts),
        "may_leave_contacts": selection.with_contacts,
        "invited": NamesShown.of(preview.invited),
        "turned_on": NamesShown.of(preview.turned_on),
        "parents_apart": names_shown.with_parents_apart(
            [*preview.invited, *(each.client for each in preview.contacts)]
        ),
        "languages": _languages(request.practice, preview),
        "left_out": [LeftOutRow(reason, NamesShown.of(clients)) for reason, clients in preview.left_out.items()],
        "documents": [each for each in shareable.list_for(request.practice, None) if each.in_welcome_packet],
        "number_left_out": sum(len(clients) for clients in preview.left_out.values()),
        "per_second": settings.EMAIL_PER_SECOND,
        "shown": preview.digest,
        "form_key": tokens.new_token(),
        "back_url": chosen_clients.list_of(request) if selection.run is None else _url_of(selection.run),
    }


def _languages(practice: Practice, preview: InvitationPreview) -> list[LanguageRow]:
    texts = invitation_text.defaults_of(practice)
    return [
        LanguageRow(str(Language(code).label), code, number, texts[code]) for code, number in preview.languages.items()
    ]


def _selection(request: OfficeRequest) -> Selection:
    """Returns the selection in the query. Raises Http404 for an unknown run, NoClientChosen for an invalid search."""
    kind = RunKind.RESEND if request.GET.get("kind") == RunKind.RESEND else RunKind.INVITE
    if ref := request.GET.get("run", ""):
        return Selection(RunKind.RESEND, run=get_run(request, ref))
    return chosen_clients.selection_of(request, kind)


def get_run(request: OfficeRequest, ref: str, *, kinds: Collection[RunKind] = INVITING) -> InvitationRun:
    """Returns the practice's run with the ref, of one of the kinds. Raises Http404."""
    if input_validation.is_unstorable(ref):
        raise Http404
    run = invitation_runs.runs_of(request.practice, kinds=kinds).filter(ref=ref).first()
    if run is None:
        raise Http404
    run.practice = request.practice
    return run


def _url_of(run: InvitationRun) -> str:
    return reverse("office:invitation_run", args=[run.ref])
