"""A client's overview: portal state, next step, contact details, balance and latest activity."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import access_grants, client_changes, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import balances
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import audit_labels, lookups
from portico.web.office.billing import invoice_labels
from portico.web.office.client_portal import next_step
from portico.web.office.roles import CLIENT_EDITORS, may_edit

ENTRIES_SHOWN = 6
INVOICES_SHOWN = 4


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    audit_log.record(AuditAction.OVERVIEW_VIEWED, practice=request.practice, client=client, by=request.actor)
    access = access_grants.access_of(client)
    addresses = list(client.email_addresses.open().order_by("id"))
    invoices = list(client.invoices.with_attempts().with_sums().order_by("-id")[: INVOICES_SHOWN + 1])
    for invoice in invoices:
        invoice.practice = client.practice
    entries = AuditEntry.objects.filter(client=client).exclude(action__in=AuditAction.views()).order_by("-id")
    context = {
        "client": client,
        "access": access,
        "addresses": addresses,
        "phones": client.phone_numbers.order_by("id"),
        "others": _others(access),
        "next": next_step.next_step_for(client, access, has_addresses=bool(addresses)),
        "lines": [audit_labels.row_for(entry) for entry in entries[:ENTRIES_SHOWN]],
        "account": balances.office_balance(client),
        "rows": invoice_labels.status_labels(client, invoices[:INVOICES_SHOWN]),
        "has_more": len(invoices) > INVOICES_SHOWN,
        "may_edit": may_edit(request),
    }
    return render(request, "office/clients/overview.html", context)


@office_page(*CLIENT_EDITORS)
@require_POST
def archive(request: OfficeRequest, ref: str) -> HttpResponse:
    client = client_changes.archive(lookups.get_client(request, ref), by=request.actor)
    messages.success(request, _("%(name)s is archived. Access to the portal is off.") % {"name": client.name})
    return redirect("office:client", ref=ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def restore(request: OfficeRequest, ref: str) -> HttpResponse:
    client = client_changes.restore(lookups.get_client(request, ref), by=request.actor)
    messages.success(request, _("%(name)s is back. Access to the portal is still off.") % {"name": client.name})
    return redirect("office:client", ref=ref)


def _others(access: PortalAccess | None) -> QuerySet[PortalAccess] | tuple[()]:
    """Returns the mailbox's accesses to other clients."""
    if access is None or access.account is None or not eligibility.is_eligible(access, Purpose.SIGN_IN_BY_PIN):
        return ()
    others = access.account.accesses.eligible(Purpose.SIGN_IN_BY_PIN).exclude(pk=access.pk)
    return others.select_related("client").order_by("client__sort_key")
