"""A client's audit log, newest first; views by staff only with their filter."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.plumbing.audit import audit_log
from portico.plumbing.database import keyset_pagination
from portico.plumbing.models import AuditEntry
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.audit_log import entry_rows
from portico.web.office.roles import may_see_documents

PAGE_SIZE = 50


def _actions(*prefixes: str) -> frozenset[AuditAction]:
    """Returns all actions with these prefixes except views, so that new actions appear under their filter."""
    return frozenset(action for action in AuditAction if action.value.startswith(prefixes)) - AuditAction.views()


SIGN_INS = _actions("client.signed_", "link.", "code.", "pin.", "session.", "access.everything_ended")
EMAILS = _actions("invitation.", "email.", "link.sent")
BILLING = _actions("invoice.", "payment.", "credit.", "refund.", "dispute.", "card.")
FILTERS: dict[str, Promise | str] = {
    "": _("Everything"),
    "sign-ins": _("Sign-ins"),
    "emails": _("Emails"),
    "billing": _("Billing"),
    "seen": _("Viewed by staff"),
}


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    audit_log.record(AuditAction.ACTIVITY_VIEWED, practice=request.practice, client=client, by=request.actor)
    show = request.GET.get("show", "")
    chosen = show if show in FILTERS else ""
    after = keyset_pagination.position_of(AuditEntry.objects.filter(client=client), request.GET.get("before", ""))
    entries = _filtered(client, chosen)
    if not may_see_documents(request):
        entries = _without_documents(entries)
    page = keyset_pagination.newest_first(entries, after=after, size=PAGE_SIZE)
    context = {
        "client": client,
        "days": entry_rows.group_by_day(page.rows),
        "filters": FILTERS,
        "chosen": chosen,
        "next_before": page.next_ref,
        "is_later_page": not page.is_first,
    }
    return render(request, "office/clients/activity.html", context)


def _filtered(client: Client, chosen: str) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(client=client)
    match chosen:
        case "sign-ins":
            return entries.filter(action__in=SIGN_INS)
        case "emails":
            return entries.filter(action__in=EMAILS)
        case "billing":
            return entries.filter(action__in=BILLING)
        case "seen":
            return entries.filter(action__in=AuditAction.views())
        case _:
            return entries.exclude(action__in=AuditAction.views())


def _without_documents(entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    downloads = entries.filter(action=AuditAction.DOCUMENT_VIEWED, details__kind="completed_document")
    return entries.exclude(action__in=AuditAction.of_documents()).exclude(pk__in=downloads.values("pk"))
