"""The practice's trail, for its owner: who did or saw what, for which client, when."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import search_terms
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import ActorKind
from portico.plumbing.models.audit import AuditChainHead, AuditEntry
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import audit_labels
from portico.web.office.settings.audit_log_form import AuditLogForm, EntryFilter

PAGE_SIZE = 50
# How far back one page looks: a filter that matches little must not read the whole trail.
STRIDE = 5000
MAX_COUNTED = 1000
SEALED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class EntriesPage:
    """The entries of a page, and from which one the next goes on; `is_cut` when the stride ended before the page."""

    entries: list[AuditEntry]
    next_ref: str
    is_cut: bool


@office_page(Role.OWNER)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    practice = request.practice
    staff = {member.ref: member for member in StaffMember.objects.filter(practice=practice).order_by("name", "id")}
    form = AuditLogForm(request.GET, staff=[(ref, member.name) for ref, member in staff.items()])
    form.is_valid()
    asked = form.cleaned_data
    filtered = _filtered(practice, asked, staff) if not form.errors else AuditEntry.objects.none()
    found = _page(practice, filtered, before=asked.get("before", ""))
    head = AuditChainHead.objects.filter(practice=practice).first()
    kept = {name: asked.get(name, "") for name in ("who", "what", "client")}
    context = {
        "form": form,
        "rows": [(entry, audit_labels.sentence(entry), audit_labels.actor_label(entry)) for entry in found.entries],
        "is_cut": found.is_cut,
        "next_url": f"?{urlencode({**kept, 'before': found.next_ref})}" if found.next_ref else "",
        "first_url": f"?{urlencode(kept)}" if asked.get("before") else "",
        "head": head,
        "unsealed": _unsealed(practice, head),
        "most_counted": MAX_COUNTED,
    }
    return render(request, "office/settings/trail.html", context)


def _filtered(practice: Practice, asked: dict[str, str], staff: dict[str, StaffMember]) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(practice=practice)
    match asked["what"]:
        case EntryFilter.ACTS:
            entries = entries.exclude(verb__in=AuditAction.views())
        case EntryFilter.VIEWS:
            entries = entries.filter(verb__in=AuditAction.views())
    if asked["who"] in staff:
        # A sign-in that failed was by nobody yet, and about a colleague.
        failed = Q(actor_kind=ActorKind.NOBODY, about=asked["who"])
        entries = entries.filter(Q(staff_id=staff[asked["who"]].pk) | failed)
    elif asked["who"]:
        entries = entries.filter(actor_kind=asked["who"])
    if asked["client"]:
        entries = entries.filter(client_id__in=search_terms.matching(practice, asked["client"]).values("pk"))
    return entries


def _page(practice: Practice, filtered: QuerySet[AuditEntry], *, before: str) -> EntriesPage:
    """Goes back by at most a stride; the ids of a practice's entries are in the order in which they were written."""
    everything = AuditEntry.objects.filter(practice=practice).order_by("-id")
    if before:
        start = everything.filter(ref=before).values_list("pk", flat=True).first() or 0
        everything, filtered = everything.filter(pk__lt=start), filtered.filter(pk__lt=start)
    end = everything.values_list("pk", "ref")[STRIDE : STRIDE + 1].first()
    if end is not None:
        filtered = filtered.filter(pk__gte=end[0])
    rows = list(filtered.select_related("client", "seal").order_by("-id")[: PAGE_SIZE + 1])
    if len(rows) > PAGE_SIZE:
        return EntriesPage(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].ref, is_cut=False)
    return EntriesPage(rows, end[1] if end is not None else "", is_cut=end is not None)


def _unsealed(practice: Practice, head: AuditChainHead | None) -> int:
    """Entries that should have had their seal by now; counted up to a limit."""
    late = AuditEntry.objects.filter(practice=practice, seal=None, at__lt=clock.now() - SEALED_AFTER)
    settled = head.settled_id if head is not None else 0
    return late.filter(pk__gt=settled).order_by("id")[: MAX_COUNTED + 1].count()
