"""The client list: search by name, email or phone, and filters by portal state."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.access.models import PortalAccess
from portico.domain.access.portal_states import Reason
from portico.domain.clients import client_list, search_terms
from portico.domain.clients.client_list import MAX_COUNTED, ClientQuery, FoundClients, Sort
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.text import input_validation
from portico.plumbing.text.input_validation import NoCardNumberField, clean_line
from portico.web import formatting
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import filter_links
from portico.web.office.clients import set_up_checklist
from portico.web.office.filter_links import FilterChip
from portico.web.office.roles import may_edit

ARCHIVED = "archived"
MAX_QUERY_LENGTH = 200


class ListForm(forms.Form):
    """Search, filter, sort and position. Ignores invalid values, except that a card number is an error."""

    q = NoCardNumberField(required=False)
    state = forms.CharField(required=False)
    sort = forms.CharField(required=False)
    after = forms.CharField(required=False)
    clinician = forms.CharField(required=False)

    def clean_q(self) -> str:
        return clean_line(self.cleaned_data["q"])[:MAX_QUERY_LENGTH]

    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        return state if state in {*PortalState.values, ARCHIVED} else ""

    def clean_sort(self) -> Sort:
        sort: str = self.cleaned_data["sort"]
        return Sort(sort) if sort in set(Sort) else Sort.NAME

    def list_query(self, practice: Practice) -> ClientQuery:
        """Returns the query; to be called after `is_valid`, even if that returns False."""
        cleaned: dict[str, Any] = self.cleaned_data  # Any: a field's value.
        state = cleaned["state"]
        return ClientQuery(
            query=cleaned.get("q", ""),
            state=PortalState(state) if state in PortalState.values else None,
            archived=state == ARCHIVED,
            sort=cleaned["sort"],
            after=cleaned["after"],
            clinician=_clinician(practice, cleaned["clinician"]),
        )


@office_page()
@require_safe
def home(request: OfficeRequest) -> HttpResponse:
    return redirect("office:clients")


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    form = ListForm(request.GET)
    form.is_valid()
    list_query = form.list_query(request.practice)
    found = client_list.page(request.practice, list_query)
    page = found.page
    # Beside a search or one clinician's clients, the totals of the practice would mislead.
    is_narrowed = bool(list_query.query) or list_query.clinician is not None
    numbers = None if is_narrowed else client_list.numbers_of(request.practice)
    counts = {} if numbers is None else numbers.by_state
    context = {
        "form": form,
        "list_query": list_query,
        "state": ARCHIVED if list_query.archived else list_query.state or "",
        "rows": [(client, reason_of(client)) for client in page.rows],
        "contacts_found": search_terms.contacts_found(page.rows, list_query.query) if list_query.query else {},
        "chips": _chips(list_query, counts),
        "archived_url": list_url(list_query, state=ARCHIVED),
        "any_clinician_url": list_url(replace(list_query, clinician=None)),
        "sorts": _sorts(list_query),
        "summary": _summary(found, list_query),
        "next_url": list_url(list_query, after=page.next_ref) if page.next_ref else "",
        "first_url": "" if page.is_first else list_url(list_query),
        "coming_of_age": numbers.coming_of_age if numbers is not None else 0,
        "has_no_clients": bool(counts) and not sum(counts.values()) and not list_query.archived,
        "may_edit": may_edit(request),
        "may_invite": may_edit(request) and not list_query.archived,
        # The number that the list shows; not all that match are known when it is cut off.
        "is_filtered": is_narrowed or list_query.state is not None,
        "total": found.total,
        "all_label": "" if found.is_cut_off else _count_label(found.total),
    }
    if "HX-Request" in request.headers:
        return render(request, "office/clients/list/found.html", context | {"is_part": True})
    context |= {"is_part": False, "set_up": set_up_checklist.rows_for(request)}
    return render(request, "office/clients/list/index.html", context)


def list_url(list_query: ClientQuery, *, state: str | None = None, sort: Sort | None = None, after: str = "") -> str:
    """Returns the query string of the list with the given changes, without default values."""
    if state is None:
        state = ARCHIVED if list_query.archived else list_query.state or ""
    sort = sort or list_query.sort
    parameters = {
        "q": list_query.query,
        "state": state,
        "clinician": list_query.clinician.ref if list_query.clinician else "",
        "sort": "" if sort is Sort.NAME else sort.value,
        "after": after,
    }
    return f"?{urlencode({name: value for name, value in parameters.items() if value})}"


def _clinician(practice: Practice, ref: str) -> StaffMember | None:
    """Returns the staff member with the ref, also one who has left; None if there is none."""
    if not ref or input_validation.is_unstorable(ref):
        return None
    return StaffMember.objects.filter(practice=practice, ref=ref).first()


def _chips(list_query: ClientQuery, counts: dict[PortalState, int]) -> list[FilterChip]:
    total = _count_label(sum(counts.values())) if counts else ""
    chips = [
        FilterChip(
            _("All"), list_url(list_query, state=""), total, list_query.state is None and not list_query.archived
        )
    ]
    for state in PortalState:
        count = counts.get(state)
        tone = "bad" if state is PortalState.NEEDS_ATTENTION and count else ""
        label, number = str(state.label), "" if count is None else _count_label(count)
        chips.append(FilterChip(label, list_url(list_query, state=state), number, list_query.state is state, tone))
    return chips


def _count_label(number: int) -> str:
    return filter_links.count_label(number, most=MAX_COUNTED)


def _sorts(list_query: ClientQuery) -> dict[str, str]:
    reversed_sort = Sort.NAME_BACKWARDS if list_query.sort is Sort.NAME else Sort.NAME
    directions = {Sort.NAME: "ascending", Sort.NAME_BACKWARDS: "descending", Sort.NEWEST: ""}
    return {
        "name_url": list_url(list_query, sort=reversed_sort),
        "direction": directions[list_query.sort],
        "newest_url": "" if list_query.sort is Sort.NEWEST else list_url(list_query, sort=Sort.NEWEST),
    }


def _summary(found: FoundClients, list_query: ClientQuery) -> str:
    shown, total = len(found.page.rows), found.total
    if found.is_cut_off:
        return _summary_of_many(shown, total)
    if not shown:
        return _("No clients found") if list_query.query else ""
    numbers = {"shown": shown, "total": _count_label(total)}
    if list_query.query:
        return ngettext("%(shown)d of %(total)s client found", "%(shown)d of %(total)s clients found", total) % numbers
    return ngettext("%(shown)d of %(total)s client", "%(shown)d of %(total)s clients", total) % numbers


def _summary_of_many(shown: int, total: int) -> str:
    if total > MAX_COUNTED:
        return _("More than %(number)s clients match. Type more of the name.") % {"number": f"{MAX_COUNTED:,}"}
    if not shown:
        return _("Too many clients to search them all. Type more of the name.")
    return _("Not all clients that match are listed. Type more of the name.")


def reason_of(client: Client) -> str:
    """Returns the reason; empty if the state needs none. Reads `client.portal_access`, loaded by the caller."""
    own: PortalAccess | None = getattr(client, "portal_access", None)
    # Without an access of their own, the state is that of a contact.
    access = own if own is not None and own.is_on else None
    if client.portal_state == PortalState.INVITED and access is not None and access.invited_at is not None:
        return _("Invited %(ago)s. Not signed in yet") % {
            "ago": formatting.time_ago(access.invited_at, now=clock.now(), language=get_language())
        }
    if client.portal_state != PortalState.NEEDS_ATTENTION:
        return ""
    match client.portal_reason:
        case Reason.MAIL_STOPPED if access is not None and access.mail_stopped_reason:
            return access.mail_stopped_reason.removesuffix(".")
        case known if known in Reason.values:
            return str(Reason(known).label)
        case _:
            return ""
