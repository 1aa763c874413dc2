"""`Billing & Payments` as a Django tutorial would write it: model instances, related rows, template inheritance."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template import RequestContext
from django.utils import timezone

from benchmarks.twins.application import engine
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import tokens

ROWS = 25


def billing(request: HttpRequest, slug: str) -> HttpResponse:
    practice = get_object_or_404(Practice, slug=slug)
    session = get_object_or_404(
        PortalSession.objects.select_related("account"),
        practice=practice,
        key_hash=tokens.digest(request.COOKIES[settings.CLIENT_COOKIE_NAME]),
        ended_at=None,
        seen_at__gt=timezone.now() - timedelta(minutes=30),
    )
    access = get_object_or_404(PortalAccess.objects.select_related("client"), account=session.account)
    invoices = Invoice.objects.filter(client=access.client, shared_at__isnull=False)
    context = {
        "practice": practice,
        "client": access.client,
        "balance": invoices.filter(voided_at=None).aggregate(sum=Sum("open_minor"))["sum"] or 0,
        "today": timezone.localdate(),
        "bills": invoices.prefetch_related("allocations__payment").order_by("-id")[:ROWS],
    }
    return HttpResponse(engine.get_template("twins/ordinary.html").render(RequestContext(request, context)))
