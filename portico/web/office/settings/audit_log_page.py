"""The practice's audit log, for its owners: who did or viewed what, for which client, when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import search_terms
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import clock
from portico.plumbing.actors import ActorKind
from portico.plumbing.audit import sealing
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.models.audit import AuditChainHead, AuditEntry
from portico.plumbing.text.input_validation import LineField
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.audit_log import entry_rows, entry_sentences


class EntryFilter(models.TextChoices):
    ACTS = "", _("Changes")
    VIEWS = "views", _("Viewed by staff")
    EVERYTHING = "everything", _("Everything")


ANY_ACTOR = [("", _("Everyone"))]
ACTOR_KINDS = [
    (ActorKind.CLIENT.value, _("Clients")),
    (ActorKind.SYSTEM.value, _("System")),
    (ActorKind.OPERATOR.value, _("System administrator")),
    (ActorKind.ANONYMOUS.value, _("Not signed in")),
]


class AuditLogForm(forms.Form):
    """`who` is a staff member's ref or a kind of actor; `before` is the ref of an entry."""

    who = forms.ChoiceField(label=_("Who"), required=False)
    what = forms.ChoiceField(label=_("What"), choices=EntryFilter.choices, required=False)
    client = LineField(label=_("Client"), max_length=320, required=False)
    before = forms.SlugField(max_length=26, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, staff: list[tuple[str, str]]) -> None:  # Any: Django's own.
        super().__init__(data)
        cast(forms.ChoiceField, self.fields["who"]).choices = [*ANY_ACTOR, *staff, *ACTOR_KINDS]


PAGE_SIZE = 50
# Entries that one page scans: a filter that matches few must not read the whole log.
MAX_SCANNED = 5000
MAX_COUNTED = 1000
SEALING_DELAY = timedelta(minutes=1)


@office_page(Role.OWNER)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    practice = request.practice
    staff = {member.ref: member for member in StaffMember.objects.filter(practice=practice).order_by("name", "id")}
    form = AuditLogForm(request.GET, staff=[(ref, member.name) for ref, member in staff.items()])
    form.is_valid()
    filters = form.cleaned_data
    filtered = _filtered(practice, filters, staff) if not form.errors else AuditEntry.objects.none()
    page, is_cut = _page(practice, filtered, before=filters.get("before", ""))
    head = AuditChainHead.objects.filter(practice=practice).first()
    parameters = {name: filters.get(name, "") for name in ("who", "what", "client")}
    context = {
        "form": form,
        "rows": [(entry, entry_sentences.sentence(entry), entry_rows.actor_label(entry)) for entry in page.rows],
        "is_cut": is_cut,
        "next_url": f"?{urlencode({**parameters, 'before': page.next_ref})}" if page.next_ref else "",
        "first_url": "" if page.is_first else f"?{urlencode(parameters)}",
        "head": head,
        "unsealed": _unsealed(practice, head),
        "most_counted": MAX_COUNTED,
    }
    return render(request, "office/settings/audit_log.html", context)


def _filtered(practice: Practice, filters: dict[str, str], staff: dict[str, StaffMember]) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(practice=practice)
    match filters["what"]:
        case EntryFilter.ACTS:
            entries = entries.exclude(action__in=AuditAction.views())
        case EntryFilter.VIEWS:
            entries = entries.filter(action__in=AuditAction.views())
    if filters["who"] in staff:
        # A failed sign-in has no actor yet; the staff member is what the entry is about.
        failed = Q(actor_kind=ActorKind.ANONYMOUS, about=filters["who"])
        entries = entries.filter(Q(staff_id=staff[filters["who"]].pk) | failed)
    elif filters["who"]:
        entries = entries.filter(actor_kind=filters["who"])
    if filters["client"]:
        entries = entries.filter(client_id__in=search_terms.matching(practice, filters["client"]).values("pk"))
    return entries


def _page(practice: Practice, filtered: QuerySet[AuditEntry], *, before: str) -> tuple[KeysetPage[AuditEntry], bool]:
    """Returns the newest matching entries among the next MAX_SCANNED; a practice's ids are in order of writing.

    Also returns whether the scan limit ended the page before it was full; the next one then begins at the limit.
    """
    all_entries = AuditEntry.objects.filter(practice=practice).order_by("-id")
    after = keyset_pagination.position_of(all_entries, before)
    older = all_entries if after is None else all_entries.filter(pk__lt=after)
    last_scanned = older.values_list("pk", "ref")[MAX_SCANNED : MAX_SCANNED + 1].first()
    if last_scanned is not None:
        filtered = filtered.filter(pk__gte=last_scanned[0])
    page = keyset_pagination.newest_first(filtered.select_related("client", "seal"), after=after, size=PAGE_SIZE)
    if page.next_ref or last_scanned is None:
        return page, False
    return replace(page, next_ref=last_scanned[1]), True


def _unsealed(practice: Practice, head: AuditChainHead | None) -> int:
    """Returns the number of entries that should be sealed by now, up to MAX_COUNTED + 1."""
    waiting = sealing.unsealed(after=head.settled_id if head is not None else 0)
    overdue = waiting.filter(practice=practice, at__lt=clock.now() - SEALING_DELAY)
    return overdue.order_by("id")[: MAX_COUNTED + 1].count()
