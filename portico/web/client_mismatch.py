"""The subject of a portal page: every form names its mailbox and client, and the guard compares them when it is sent.

The session stores only the client chosen last. Another tab may have chosen another client, or signed in with
another mailbox, since the page of the form was shown.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.models import Invoice, Payment, Refund
from portico.domain.documents.models import DocumentRequest
from portico.web.http.request_types import PortalRequest

# The hidden field of every form in the portal. Forms of the entrance put their link, address or session into it.
FIELD = "subject"
# Query parameter for URLs that name no client, if the mailbox has several: the ref of the client a link is for.
CLIENT_PARAMETER = "for"


def name_of(request: PortalRequest) -> str:
    """Returns the value of the hidden field: the refs of the mailbox and of the client, if one has been chosen."""
    return f"{request.account.ref}.{request.client.ref if request.has_chosen else ''}"


def is_of_current_mailbox(request: PortalRequest) -> bool:
    """Returns True if the form came from a page of the mailbox that is signed in now."""
    return _named(request)[0] == request.account.ref


def is_of_current_client(request: PortalRequest) -> bool:
    """Returns True if the form came from a page of the client that is chosen now."""
    return _named(request)[1] == request.client.ref


def client_named(request: HttpRequest, account: PortalAccount) -> str:
    """Returns the ref of the client that the form was for; empty if it came from a page of another mailbox."""
    mailbox, client = _named(request)
    return client if mailbox == account.ref else ""


def for_client(request: PortalRequest) -> dict[str, str]:
    """Returns the query parameters that name the client in a link; empty if the mailbox has only one client."""
    return {CLIENT_PARAMETER: request.client.ref} if len(request.accesses) > 1 else {}


def meant_for(request: PortalRequest) -> PortalAccess | None:
    """Returns the access to the client named by the link, if it is another client of the mailbox."""
    ref = request.GET.get(CLIENT_PARAMETER, "") if request.method in {"GET", "HEAD"} else ""
    return _access_to(request, ref) if ref != request.client.ref else None


def refuse(request: PortalRequest) -> HttpResponse:
    """Returns the page `This page is out of date`, with 409."""
    other = _access_to(request, client_named(request, request.account))
    return _page(request, other, is_form=True, status=HTTPStatus.CONFLICT)


def offer_switch(request: PortalRequest, other: PortalAccess) -> HttpResponse:
    """Returns 404 with a button that switches to the other client of the mailbox that the page belongs to."""
    return _page(request, other, is_form=False, status=HTTPStatus.NOT_FOUND)


def owner_of(request: PortalRequest, ref: str) -> PortalAccess | None:
    """Returns the access to the client whose invoice, payment, refund or document it is, if not the chosen client."""
    if len(request.accesses) == 1 or not ref:
        return None
    clients = [each.client_id for each in request.accesses if each.access_billing_documents]
    found = (
        Invoice.objects.shared().filter(client__in=clients, ref=ref).values_list("client_id", flat=True),
        Payment.objects.not_taken_back().filter(client__in=clients, ref=ref).values_list("client_id", flat=True),
        Refund.objects.not_failed()
        .filter(payment__client__in=clients, ref=ref)
        .values_list("payment__client", flat=True),
        DocumentRequest.objects.filter(access__in=request.accesses, ref=ref).values_list("client_id", flat=True),
    )
    owner = next((pk for rows in found for pk in rows), request.client.pk)
    return next((each for each in request.accesses if each.client_id == owner != request.client.pk), None)


def _page(request: PortalRequest, other: PortalAccess | None, *, is_form: bool, status: HTTPStatus) -> HttpResponse:
    context = {
        "practice": request.practice,
        "is_form": is_form,
        "other": other,
        "address": request.account.email,
    }
    return render(request, "portal/out_of_date.html", context, status=status)


def _access_to(request: PortalRequest, ref: str) -> PortalAccess | None:
    return next((access for access in request.accesses if access.client.ref == ref), None)


def _named(request: HttpRequest) -> tuple[str, str]:
    mailbox, _, client = request.POST.get(FIELD, "").partition(".")
    return mailbox, client
