"""The chooser for mailboxes with several clients."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portico.domain.access import portal_accounts
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import portal_sessions
from portico.domain.billing.ledger import due_by_client
from portico.domain.billing.ledger.due_by_client import AmountDue
from portico.domain.clients.models import Language
from portico.domain.documents.completion import portal_requests
from portico.web import languages, redirects
from portico.web.guards import portal_chooser_page
from portico.web.http.request_types import PortalRequest


@dataclass(frozen=True)
class ClientChoice:
    """A client of the mailbox, with the number of documents to complete.

    `bills` is None if their billing documents may not be seen.
    """

    access: PortalAccess
    bills: AmountDue | None
    documents: int


def choices_for(request: PortalRequest) -> list[ClientChoice]:
    """Returns the clients of the mailbox with what is to do for them."""
    if request.client_view is not None:
        due = due_by_client.amount_due_of(request.client) if request.access.sees_bills else None
        return [ClientChoice(request.access, due, 0)]
    sees_any = any(access.sees_bills for access in request.accesses)
    amounts = due_by_client.amounts_due_of(request.account) if sees_any else {}
    # One client is not offered as a choice.
    documents = portal_requests.open_counts(request.account) if len(request.accesses) > 1 else {}
    return [
        ClientChoice(
            access,
            amounts.get(access.client_id) if access.sees_bills else None,
            documents.get(access.pk, 0) if access.sees_documents else 0,
        )
        for access in request.accesses
    ]


@portal_chooser_page
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        return _choose(request, request.POST.get("client", ""))
    if len(request.accesses) == 1:
        return redirect(_next_url(request))
    context = {
        "practice": request.practice,
        "client_choices": choices_for(request),
        "next": redirects.requested_portal_path(request),
    }
    return render(request, "portal/who.html", context)


def _choose(request: PortalRequest, ref: str) -> HttpResponse:
    for access in request.accesses:
        if access.client.ref == ref:
            portal_sessions.choose_client(request.portal_session, access)
            if language := languages.chosen_language(request):
                # It may have been chosen in the footer of this page.
                portal_accounts.choose_language(request.account, Language(language), by=request.actor)
            return redirect(_next_url(request))
    raise Http404


def _next_url(request: PortalRequest) -> str:
    """Returns the requested page, else Home."""
    return redirects.requested_portal_path(request) or reverse("portal:home", kwargs={"slug": request.practice.slug})
