"""The portal's home: what waits for the client, and for the others whom the mailbox sees."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access.models import PortalAccess
from portico.domain.billing import balances, waiting
from portico.domain.billing.online import quoting
from portico.domain.billing.waiting import Bills
from portico.plumbing import clock
from portico.web.guards import portal_page
from portico.web.requests import PortalRequest


@dataclass(frozen=True)
class Person:
    """Somebody whom the mailbox sees. `bills` says what waits, if their billing documents may be seen at all."""

    access: PortalAccess
    bills: Bills | None


@portal_page
@require_safe
def show(request: PortalRequest) -> HttpResponse:
    allowed = [access.client for access in request.accesses if access.access_billing_documents]
    found = waiting.of(allowed) if allowed else {}
    bills = found.get(request.client.pk)
    sees_billing = request.access.access_billing_documents
    today = clock.today(request.practice.time_zone)
    context = {
        "client": request.client,
        "persons": [Person(access, found.get(access.client_id)) for access in request.accesses],
        "pays": bills is not None and _pays(request, bills),
        "account": balances.portal(request.client) if sees_billing else None,
        "bills": bills,
        "is_past_due": bills is not None and bills.next_due_on is not None and bills.next_due_on < today,
    }
    return render(request, "portal/home.html", context)


def _pays(request: PortalRequest, bills: Bills) -> bool:
    """Whether all of it can be paid by card from here."""
    return quoting.is_open(request.practice, request.access) and quoting.is_chargeable(
        bills.open_minor, request.practice.currency
    )
