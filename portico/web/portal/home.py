"""The portal's home page: what is to do for the client, and for the mailbox's other clients."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.billing.card_payments import quotes
from portico.domain.billing.ledger import balances
from portico.domain.billing.ledger.due_by_client import AmountDue
from portico.domain.documents.completion import portal_requests
from portico.plumbing import clock
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import client_chooser


@portal_page
@require_safe
def show(request: PortalRequest) -> HttpResponse:
    choices = client_chooser.choices_for(request)
    bills = next(choice.bills for choice in choices if choice.access.client_id == request.client.pk)
    sees_billing = request.access.sees_bills
    today = clock.today(request.practice.time_zone)
    documents = portal_requests.progress(request.access) if request.access.sees_documents else None
    context = {
        "client": request.client,
        "documents": documents,
        "greets_by_name": _greets_by_name(request),
        "client_choices": choices,
        "can_pay": bills is not None and _can_pay_all(request, bills),
        "account": balances.portal_balance(request.client) if sees_billing else None,
        "bills": bills,
        "is_past_due": bills is not None and bills.next_due_on is not None and bills.next_due_on < today,
    }
    return render(request, "portal/home.html", context)


def _greets_by_name(request: PortalRequest) -> bool:
    """Returns True if the client themselves is signed in: not a contact, nor a parent with a child's own access."""
    is_minor = request.client.is_minor_on(clock.today(request.practice.time_zone))
    return len(request.accesses) == 1 and request.access.is_own and not is_minor


def _can_pay_all(request: PortalRequest, bills: AmountDue) -> bool:
    """Returns True if the whole open amount can be paid by card."""
    return quotes.is_open(request.practice, request.access) and quotes.is_chargeable(
        bills.open_minor, request.practice.currency
    )
