"""The page `Record a payment`: a manual payment of one invoice, or to a client's account."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portico.domain.access import access_lookups, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.billing import bill_mails, shown_sums
from portico.domain.billing.card_payments import cancellation
from portico.domain.billing.invoices import open_invoices
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Invoice, Payment
from portico.domain.billing.payments import manual_payments
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money
from portico.plumbing.text.input_validation import is_unstorable
from portico.web.billing_documents import summary_lines
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import posted
from portico.web.office.billing import invoice_view_audit
from portico.web.office.billing.payment_forms import OF_INVOICE, RecordPaymentForm


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def for_invoice(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    is_payable = not (invoice.is_draft or invoice.is_void or invoice.is_paid)
    # A submitted form is answered even if nothing is left to pay: it may be a repeat of the one that paid it.
    if request.method != "POST" and not is_payable:
        return redirect("office:invoice", ref=ref)
    invoice_view_audit.record_invoice_view(request, invoice)
    form = _form(request, invoice.client, invoice)
    if not form.is_valid():
        return _page(request, invoice.client, invoice, form)
    try:
        payment = cancellation.retry_after_cancelling(
            [invoice], lambda: _record(request, invoice.client, invoice, form)
        )
    except Refused as refusal:
        invoice = lookups.get_invoice(request, ref)
        form = _form(request, invoice.client, invoice).refused(refusal)
        return _page(request, invoice.client, invoice, form)
    return _recorded(request, payment, redirect("office:invoice", ref=ref))


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def for_client(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.client_with_balance_of(request, ref)
    form = _form(request, client, None)
    if not form.is_valid():
        return _page(request, client, None, form)
    try:
        payment = cancellation.retry_after_cancelling(
            form.chosen_invoices, lambda: _record(request, client, None, form)
        )
    except Refused as refusal:
        client = lookups.client_with_balance_of(request, ref)
        return _page(request, client, None, _form(request, client, None).refused(refusal))
    return _recorded(request, payment, redirect("office:client_billing", ref=ref))


def _form(request: OfficeRequest, client: Client, invoice: Invoice | None) -> RecordPaymentForm:
    today, currency = clock.today(request.practice.time_zone), request.practice.currency
    listed, named = [], []
    if invoice is None:
        listed = open_invoices.of_client(client)
        named = open_invoices.named(client, _named_refs(request), listed=listed)
        due_minor = balances.shown_office_minor(client)
        now = shown_sums.of_account(due_minor, listed)
    else:
        due_minor, now = invoice.still_open_minor, shown_sums.of_invoice(invoice)
    amount = money.plain_decimal(due_minor, currency) if due_minor > 0 else ""
    return RecordPaymentForm(
        posted(request),
        initial={"amount": amount, "received_on": today},
        practice=request.practice,
        today=today,
        open_invoices=listed,
        named=named,
        now=now,
    )


def _named_refs(request: OfficeRequest) -> list[str]:
    """Returns the refs of the invoices for which the posted form has an amount."""
    names = [name for name, typed in request.POST.items() if name.startswith(OF_INVOICE) and typed]
    return [ref for name in names if not is_unstorable(ref := name.removeprefix(OF_INVOICE))]


def _record(request: OfficeRequest, client: Client, invoice: Invoice | None, form: RecordPaymentForm) -> Payment:
    form_key, shown = form.cleaned_data["form_key"], form.cleaned_data["shown"]
    return manual_payments.record(client, form.entry, invoice=invoice, form_key=form_key, shown=shown, by=request.actor)


def _recorded(request: OfficeRequest, payment: Payment, response: HttpResponse) -> HttpResponse:
    amount = money.formatted(payment.amount_minor, payment.currency, language="en")
    message = _("%(amount)s was recorded. You can undo it for %(time)s.")
    message %= {"amount": amount, "time": rendering.duration(manual_payments.UNDO_PERIOD)}
    if bill_mails.is_receipt_queued(payment):
        message += " " + _("The receipt is on its way by email.")
    messages.success(request, message)
    return response


def _page(request: OfficeRequest, client: Client, invoice: Invoice | None, form: RecordPaymentForm) -> HttpResponse:
    access = access_lookups.access_of(client)
    context: dict[str, object] = {
        "client": client,
        "invoice": invoice,
        "form": form,
        "receipt_address": eligibility.mail_address(access, Purpose.BILL_MAIL),
    }
    if invoice is None:
        context["balance_minor"] = balances.shown_office_minor(client)
        context["max_listed"] = open_invoices.MAX_LISTED
    else:
        context["balance_minor"] = balances.office_minor(client)
        context["sums"] = summary_lines.of_invoice(invoice)
    return render(request, "office/payments/record.html", context, status=form.page_status)
