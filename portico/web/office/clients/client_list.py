"""The list of clients: found by name, email or phone, filtered by how they stand with the portal."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from portico.domain.clients import client_list
from portico.domain.clients.client_list import Count, ListQuery, Sort
from portico.domain.clients.models import Client, PortalState
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.client_portal import state_reasons
from portico.web.office.clients.client_list_form import ARCHIVED, ListForm
from portico.web.office.roles import may_edit


@dataclass(frozen=True)
class FilterChip:
    """A link that narrows the list; without a number while a search is on."""

    label: str
    address: str
    number: str
    is_current: bool
    tone: str = ""


@office_page()
@require_safe
def home(request: OfficeRequest) -> HttpResponse:
    return redirect("office:clients")


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    form = ListForm(request.GET)
    form.is_valid()
    wanted = form.wanted
    page = client_list.page(request.practice, wanted)
    # A search may find few of many: the totals beside the chips would mislead.
    counts = {} if wanted.query else client_list.counts_by_state(request.practice)
    context = {
        "form": form,
        "wanted": wanted,
        "state": ARCHIVED if wanted.archived else wanted.state or "",
        "rows": [(client, state_reasons.reason_of(client)) for client in page.clients],
        "chips": _chips(wanted, counts),
        "archived_url": list_url(wanted, state=ARCHIVED),
        "sorts": _sorts(wanted),
        "summary": _summary(page.clients, page.total, wanted),
        "next_url": list_url(wanted, after=page.next_after) if page.next_after else "",
        "first_url": "" if page.is_first else list_url(wanted),
        "has_nobody": bool(counts) and not client_list.sum_of(counts).number and not wanted.archived,
        "may_edit": may_edit(request),
    }
    is_part = "HX-Request" in request.headers
    template = "office/clients/list.html#found" if is_part else "office/clients/list.html"
    return render(request, template, context | {"is_part": is_part})


def list_url(wanted: ListQuery, *, state: str | None = None, sort: Sort | None = None, after: str = "") -> str:
    """The list as it is wanted, but for what is given; what is left as usual is left out."""
    if state is None:
        state = ARCHIVED if wanted.archived else wanted.state or ""
    sort = sort or wanted.sort
    asked = {"q": wanted.query, "state": state, "sort": "" if sort is Sort.NAME else sort.value, "after": after}
    return f"?{urlencode({name: value for name, value in asked.items() if value})}"


def count_label(count: Count) -> str:
    """48, and 1,000+ for all that is beyond counting."""
    return f"{count.at_most:,}+" if count.is_more else f"{count.at_most:,}"


def _chips(wanted: ListQuery, counts: dict[PortalState, Count]) -> list[FilterChip]:
    everybody = count_label(client_list.sum_of(counts)) if counts else ""
    chips = [FilterChip(_("All"), list_url(wanted, state=""), everybody, wanted.state is None and not wanted.archived)]
    for state in PortalState:
        count = counts.get(state)
        tone = "bad" if state is PortalState.NEEDS_ATTENTION and count and count.number else ""
        label, told = str(state.label), count_label(count) if count else ""
        chips.append(FilterChip(label, list_url(wanted, state=state), told, wanted.state is state, tone))
    return chips


def _sorts(wanted: ListQuery) -> dict[str, str]:
    turned = Sort.NAME_BACKWARDS if wanted.sort is Sort.NAME else Sort.NAME
    directions = {Sort.NAME: "ascending", Sort.NAME_BACKWARDS: "descending", Sort.NEWEST: ""}
    return {
        "name_url": list_url(wanted, sort=turned),
        "direction": directions[wanted.sort],
        "newest_url": "" if wanted.sort is Sort.NEWEST else list_url(wanted, sort=Sort.NEWEST),
    }


def _summary(shown: list[Client], total: Count, wanted: ListQuery) -> str:
    if not shown:
        return _("Nobody found") if wanted.query else ""
    numbers = {"shown": len(shown), "total": count_label(total)}
    if wanted.query:
        return (
            ngettext("%(shown)d of %(total)s client found", "%(shown)d of %(total)s clients found", total.number)
            % numbers
        )
    return ngettext("%(shown)d of %(total)s client", "%(shown)d of %(total)s clients", total.number) % numbers
