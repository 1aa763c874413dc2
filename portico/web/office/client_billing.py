"""A client's `Billing` tab: invoices, the account, payments and credit."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access import granting
from portico.domain.billing import balances
from portico.domain.billing.models import Invoice, SavedCard
from portico.domain.clients.models import Client
from portico.plumbing import trail
from portico.plumbing.verbs import Verb
from portico.web import money_words
from portico.web.guards import office_page
from portico.web.office import finding, invoice_words
from portico.web.office.roles import keeps_money
from portico.web.requests import OfficeRequest

PAGE_SIZE = 25
PAYMENTS_TOLD = 20


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    client = finding.client_of(request, ref)
    trail.record(Verb.BILLING_VIEWED, practice=request.practice, client=client, by=request.actor)
    before = request.GET.get("before", "")
    invoices = _invoices(client, before)
    payments = list(client.payments.order_by("-id")[:PAYMENTS_TOLD])
    context = {
        "client": client,
        "rows": [(invoice, invoice_words.standing(invoice)) for invoice in invoices[:PAGE_SIZE]],
        "next_before": invoices[PAGE_SIZE - 1].ref if len(invoices) > PAGE_SIZE else "",
        "is_later_page": bool(before),
        "account": balances.office(client),
        "payments": [(payment, money_words.payment_name(payment)) for payment in payments],
        "credits": client.credits.order_by("-id")[:PAYMENTS_TOLD],
        "cards": _cards(client),
        "keeps_money": keeps_money(request),
    }
    return render(request, "office/clients/billing.html", context)


def _invoices(client: Client, before: str) -> list[Invoice]:
    """One page, and one more if there are more; an unknown `before` begins at the newest."""
    rows = client.invoices.with_attempts().order_by("-id")
    last = client.invoices.filter(ref=before).values_list("pk", flat=True).first() if before else None
    found = list((rows if last is None else rows.filter(pk__lt=last))[: PAGE_SIZE + 1])
    for invoice in found:
        invoice.practice = client.practice
    return found


def _cards(client: Client) -> list[SavedCard]:
    """Cards of the mailbox that sees the client; nobody in the office can charge them."""
    access = granting.of(client)
    if access is None or access.account is None:
        return []
    return list(access.account.saved_cards.kept().order_by("-id"))
