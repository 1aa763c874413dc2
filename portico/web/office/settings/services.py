"""`Settings` > `Products and services`: what the practice charges for, with prices."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.billing import shown_sums
from portico.domain.billing.invoices import service_items
from portico.domain.billing.models import ServiceItem
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.practices.models import Role
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import shown_sums_field
from portico.web.office.base_form import posted
from portico.web.office.billing.payment_forms import ServiceForm
from portico.web.office.shown_refusals import show_refusal


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: OfficeRequest) -> HttpResponse:
    """Lists the offered ones; shows and saves the form for a new one."""
    return _save(request, None)


@office_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    offered = ServiceItem.objects.filter(practice=request.practice).offered()
    return _save(request, get_object_or_404(offered, ref=ref))


@office_page(Role.OWNER)
@require_POST
def archive(request: OfficeRequest, ref: str) -> HttpResponse:
    item = get_object_or_404(ServiceItem.objects.filter(practice=request.practice), ref=ref)
    with show_refusal(request):
        service_items.archive(item, shown=shown_sums_field.of(request), by=request.actor)
        messages.success(request, _("%(label)s was archived. Existing invoices still show it.") % {"label": item.label})
    return redirect("office:services")


def _save(request: OfficeRequest, item: ServiceItem | None) -> HttpResponse:
    form = _form(request, item)
    if not form.is_valid():
        return _page(request, item, form)
    cleaned = form.cleaned_data
    try:
        service_items.save(
            request.practice,
            code=cleaned["code"],
            label=cleaned["label"],
            label_es=cleaned["label_es"],
            price_minor=cleaned["price"],
            item=item,
            shown=cleaned["shown"],
            by=request.actor,
        )
    except Refused as refusal:
        if item is not None:
            item.refresh_from_db()
        return _page(request, item, _form(request, item).refused(refusal))
    messages.success(request, _("%(label)s was saved.") % {"label": cleaned["label"]})
    return redirect("office:services")


def _form(request: OfficeRequest, item: ServiceItem | None) -> ServiceForm:
    currency, initial, now = request.practice.currency, {}, ShownSums("")
    if item is not None:
        initial = {
            "code": item.code,
            "label": item.label,
            "label_es": item.label_es,
            "price": money.plain_decimal(item.price_minor, currency),
        }
        now = shown_sums.of_service(item)
    return ServiceForm(posted(request), initial=initial, currency=currency, now=now)


def _page(request: OfficeRequest, item: ServiceItem | None, form: ServiceForm) -> HttpResponse:
    items = ServiceItem.objects.filter(practice=request.practice).offered().order_by("code")
    rows = [(row, shown_sums.of_service(row)) for row in items]
    context = {"items": rows, "item": item, "form": form}
    return render(request, "office/settings/services.html", context, status=form.page_status)
