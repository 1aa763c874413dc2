"""Money that came another way: recorded, taken back; and credit given or kept."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.billing import crediting, recording
from portico.domain.billing.models import Invoice, PaymentKind
from portico.domain.billing.online import retiring
from portico.domain.clients.models import Client
from portico.plumbing import clock, money
from portico.plumbing.refusals import Refused
from portico.web import ledger, money_words
from portico.web.guards import office_page
from portico.web.office import finding, looking
from portico.web.office.forms.money import CreditForm, RecordPaymentForm, TakeBackForm
from portico.web.office.roles import MONEY_KEEPERS
from portico.web.requests import OfficeRequest


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def record_for_invoice(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = finding.invoice_of(request, ref)
    if invoice.is_draft or invoice.is_void or invoice.is_paid:
        return redirect("office:invoice", ref=ref)
    looking.at_invoice(request, invoice)
    return _record(request, invoice.client, invoice)


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def record_for_client(request: OfficeRequest, ref: str) -> HttpResponse:
    return _record(request, finding.client_of(request, ref), None)


@office_page(*MONEY_KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = finding.payment_of(request, ref)
    form = TakeBackForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        form = TakeBackForm(request.POST)
        status = HTTPStatus.UNPROCESSABLE_CONTENT
        if form.is_valid():
            try:
                recording.take_back(payment, reason=form.reason, by=request.actor)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = HTTPStatus.CONFLICT
            else:
                messages.success(request, _("The payment was taken back. What it had paid is owed again."))
                return redirect("office:client_billing", ref=payment.client.ref)
    context = {
        "payment": payment,
        "name": money_words.payment_name(payment),
        "client": payment.client,
        "form": form,
        "pays": payment.allocations.live().select_related("invoice").order_by("id"),
    }
    return render(request, "office/payments/take_back.html", context, status=status)


@office_page(*MONEY_KEEPERS)
@require_POST
def keep(request: OfficeRequest, ref: str) -> HttpResponse:
    """Credit that waited for a refund stays with the client."""
    payment = finding.payment_of(request, ref)
    put = crediting.keep(payment, by=request.actor)
    amount = money.written(put, payment.currency, language="en")
    messages.success(request, _("The credit is kept. %(amount)s of it pays what was owed.") % {"amount": amount})
    return redirect("office:client_billing", ref=payment.client.ref)


@office_page(*MONEY_KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def give_credit(request: OfficeRequest, ref: str) -> HttpResponse:
    client = finding.client_of(request, ref)
    currency = request.practice.currency
    if request.method != "POST":
        return render(request, "office/payments/credit.html", {"client": client, "form": CreditForm(currency=currency)})
    form = CreditForm(request.POST, currency=currency)
    if not form.is_valid():
        context = {"client": client, "form": form}
        return render(request, "office/payments/credit.html", context, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    asked = form.cleaned_data
    crediting.give(client, amount_minor=asked["amount"], reason=asked["reason"], press=asked["press"], by=request.actor)
    messages.success(request, _("The credit was given. It is put against what is shared and owed, oldest due first."))
    return redirect("office:client_billing", ref=ref)


@office_page(*MONEY_KEEPERS)
@require_POST
def take_back_credit(request: OfficeRequest, ref: str) -> HttpResponse:
    credit = finding.credit_of(request, ref)
    crediting.take_back(credit, reason=_("Given by mistake"), by=request.actor)
    messages.success(request, _("The credit was taken back. What it had paid is owed again."))
    return redirect("office:client_billing", ref=credit.client.ref)


def _record(request: OfficeRequest, client: Client, invoice: Invoice | None) -> HttpResponse:
    today, currency = clock.today(request.practice.time_zone), request.practice.currency
    if request.method != "POST":
        amount = money.plain(invoice.still_open_minor, currency) if invoice else ""
        initial = {"amount": amount, "received_on": today, "kind": PaymentKind.CHECK.value}
        form = RecordPaymentForm(initial=initial, practice=request.practice, today=today)
        return _page(request, client, invoice, form)
    form = RecordPaymentForm(request.POST, practice=request.practice, today=today)
    if not form.is_valid():
        return _page(request, client, invoice, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    press = form.cleaned_data["press"]
    try:
        if invoice is not None:
            retiring.clear_way(invoice)
        payment = recording.record(client, form.entry, invoice=invoice, press=press, by=request.actor)
    except Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, client, invoice, form, status=HTTPStatus.CONFLICT)
    amount = money.written(payment.amount_minor, currency, language="en")
    messages.success(request, _("%(amount)s was recorded. No money moved through Portico.") % {"amount": amount})
    if invoice is not None:
        return redirect("office:invoice", ref=invoice.ref)
    return redirect("office:client_billing", ref=client.ref)


def _page(
    request: OfficeRequest,
    client: Client,
    invoice: Invoice | None,
    form: RecordPaymentForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    sums = ledger.of_invoice(invoice) if invoice else ()
    context = {"client": client, "invoice": invoice, "sums": sums, "form": form}
    return render(request, "office/payments/record.html", context, status=status)
