"""The practice's `Documents`: what waits for clients, what is stuck, what is to be reviewed."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portico.domain.documents import practice_documents
from portico.domain.documents.models import RequestState
from portico.domain.documents.practice_documents import STUCK_AFTER, Filter
from portico.domain.practices.models import CLIENT_EDITORS
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.documents.state_labels import PILLS

FILTERS = {
    Filter.WAITING: _("Waiting for the client"),
    Filter.STUCK: format_lazy(_("Waiting {days} days or more"), days=STUCK_AFTER.days),
    Filter.TO_REVIEW: _("To review"),
    Filter.REVIEWED: _("Reviewed"),
}


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    show = request.GET.get("show", "")
    chosen = Filter(show) if show in set(Filter) else Filter.WAITING
    page = practice_documents.list_for(request.practice, chosen, before=request.GET.get("before", ""))
    context = {
        "rows": [(each, RequestState(each.state)) for each in page.rows],
        "filters": FILTERS,
        "chosen": chosen,
        "next_before": page.next_ref,
        "is_later_page": not page.is_first,
        "pills": PILLS,
        "may_remind": chosen in (Filter.WAITING, Filter.STUCK),
    }
    return render(request, "office/documents/list.html", context)
