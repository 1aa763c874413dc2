"""A client's overview: portal state, next step, contact details, balance and latest activity."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import client_changes, eligibility, portal_states
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.clients import client_numbers
from portico.domain.clients.models import PhoneNumber
from portico.domain.documents import intake_completion
from portico.domain.documents.intake_completion import IntakeState
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.models import AuditEntry
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.audit_log import entry_rows
from portico.web.office.billing import invoice_labels
from portico.web.office.client_portal import contacts_card
from portico.web.office.client_portal.diagnosis import next_step
from portico.web.office.roles import CLIENT_EDITORS, may_edit, may_see_documents

ENTRIES_SHOWN = 6
INVOICES_SHOWN = 4
INTAKE_LABELS = {
    IntakeState.NOTHING_SHARED: gettext_lazy("Nothing to complete"),
    IntakeState.INCOMPLETE: gettext_lazy("Intake not complete"),
    IntakeState.COMPLETE: gettext_lazy("Intake complete"),
}


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    found = lookups.client_for_overview(request, ref)
    client, access, addresses = found.client, found.access, found.addresses
    audit_log.record(AuditAction.OVERVIEW_VIEWED, practice=request.practice, client=client, by=request.actor)
    invoices = _newest_invoices.rows(client=client.pk)
    for invoice in invoices:
        invoice.practice = client.practice
    sees_documents = may_see_documents(request)
    query = _entries if sees_documents else _entries_without_documents
    entries = query.rows(client=client.pk)
    intake_state = None if sees_documents else intake_completion.state_of(client)
    latest = [entry for entry in entries if entry.action not in AuditAction.views()]
    context = {
        "client": client,
        "client_number": client_numbers.number_of(client),
        "access": access,
        # That of the client's own access, as the facts below it; contacts have theirs in their card.
        "own_state": portal_states.state_of(access).state,
        "addresses": addresses,
        "contact_rows": contacts_card.rows_of(client) if found.has_contacts else [],
        "phones": _phones.rows(client=client.pk),
        "others": _others(access),
        "next": next_step.next_step_for(client, access, has_addresses=bool(addresses)),
        "lines": [entry_rows.row_for(entry) for entry in latest[:ENTRIES_SHOWN]],
        "balance_minor": balances.shown_office_minor(client),
        "rows": invoice_labels.status_labels(invoices[:INVOICES_SHOWN], invoice_labels.first_seen(entries)),
        "has_more": len(invoices) > INVOICES_SHOWN,
        "may_edit": may_edit(request),
        "intake_state": intake_state,
        "intake_label": None if intake_state is None else INTAKE_LABELS[intake_state],
    }
    return render(request, "office/clients/overview.html", context)


@office_page(*CLIENT_EDITORS)
@require_POST
def archive(request: OfficeRequest, ref: str) -> HttpResponse:
    client = client_changes.archive(lookups.get_client(request, ref), by=request.actor)
    messages.success(request, _("%(name)s was archived. Access to the portal is off.") % {"name": client.name})
    return redirect("office:client", ref=ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def restore(request: OfficeRequest, ref: str) -> HttpResponse:
    client = client_changes.restore(lookups.get_client(request, ref), by=request.actor)
    messages.success(request, _("%(name)s was restored. Access to the portal is still off.") % {"name": client.name})
    return redirect("office:client", ref=ref)


@CompiledQuery
def _newest_invoices(client: Parameter) -> QuerySet[Invoice]:
    """Returns the invoices that are shown, and one more if there are more."""
    return _invoices(client).with_attempts().with_sums()[: INVOICES_SHOWN + 1]


def _invoices(client: Parameter) -> InvoiceQuerySet:
    return Invoice.objects.filter(client=client).order_by("-id")


@CompiledQuery
def _entries(client: Parameter) -> QuerySet[AuditEntry]:
    """Returns the latest entries that are no views, and those about the first opening of the shown invoices."""
    return _latest(client, AuditAction.views())


@CompiledQuery
def _entries_without_documents(client: Parameter) -> QuerySet[AuditEntry]:
    """Returns the same for a role that may not see documents."""
    return _latest(client, AuditAction.views() | AuditAction.of_documents())


def _latest(client: Parameter, left_out: frozenset[AuditAction]) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(client=client).order_by("-id")
    latest = entries.exclude(action__in=sorted(left_out))[:ENTRIES_SHOWN]
    shown = _invoices(client)[:INVOICES_SHOWN]
    is_first_opening = Q(action=AuditAction.INVOICE_SEEN, about__in=shown.values("ref"))
    return entries.filter(Q(pk__in=latest.values("pk")) | is_first_opening)


@CompiledQuery
def _phones(client: Parameter) -> QuerySet[PhoneNumber]:
    return PhoneNumber.objects.filter(client=client).order_by("id")


def _others(access: PortalAccess | None) -> list[PortalAccess]:
    """Returns the mailbox's accesses to other clients."""
    if access is None or access.account_id is None or not eligibility.is_eligible(access, Purpose.SIGN_IN_BY_PIN):
        return []
    return _other_accesses.rows(account=access.account_id, access=access.pk)


@CompiledQuery
def _other_accesses(account: Parameter, access: Parameter) -> QuerySet[PortalAccess]:
    others = PortalAccess.objects.filter(account=account).eligible(Purpose.SIGN_IN_BY_PIN).exclude(pk=access)
    return others.select_related("client").order_by("client__sort_key")
