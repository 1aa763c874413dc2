"""Adjustments of a client's account: voiding manual payments; adding, keeping and voiding credit."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.billing import shown_sums
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Allocation, Payment
from portico.domain.billing.payments import account_credits, manual_payments
from portico.domain.clients.models import Client
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money
from portico.web import payment_labels
from portico.web.guards import office_page, refuse_role
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups, shown_sums_field
from portico.web.office.base_form import posted
from portico.web.office.billing.payment_forms import RECORDED_BY_MISTAKE, CreditForm, TakeBackForm
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.shown_refusals import show_refusal


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def void_payment(request: OfficeRequest, ref: str) -> HttpResponse:
    """Voids a manual payment; other roles than BILLING_EDITORS may undo what they recorded themselves just now."""
    payment = lookups.get_payment(request, ref)
    if not (may_edit_billing(request) or payment.recorded_by_staff_id == request.staff.pk):
        refuse_role(request, void_payment.__name__, BILLING_EDITORS)
    allocations = list(payment.allocations.live().select_related("invoice").order_by("id"))
    form = _void_form(request, payment, allocations)
    if not form.is_valid():
        return _void_page(request, payment, form, allocations)
    try:
        manual_payments.take_back(
            payment,
            reason=form.reason,
            shown=form.cleaned_data["shown"],
            by=request.actor,
            only_own=not may_edit_billing(request),
        )
    except Refused as refusal:
        payment = lookups.get_payment(request, ref)
        allocations = list(payment.allocations.live().select_related("invoice").order_by("id"))
        return _void_page(request, payment, _void_form(request, payment, allocations).refused(refusal), allocations)
    messages.success(request, _("The payment was voided. Its invoices are unpaid again."))
    return redirect("office:client_billing", ref=payment.client.ref)


@office_page(*BILLING_EDITORS)
@require_POST
def keep_as_credit(request: OfficeRequest, ref: str) -> HttpResponse:
    """Keeps money that was waiting for a refund as credit of the client's account."""
    payment = lookups.get_payment(request, ref)
    with show_refusal(request):
        applied_minor = account_credits.keep_as_credit(payment, shown=shown_sums_field.of(request), by=request.actor)
        amount = money.formatted(applied_minor, payment.currency, language="en")
        messages.success(
            request, _("The payment was kept as credit. %(amount)s was applied to invoices.") % {"amount": amount}
        )
    return redirect("office:client_billing", ref=payment.client.ref)


@office_page(*BILLING_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def add_credit(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.client_with_balance_of(request, ref)
    form = _credit_form(request, client)
    if not form.is_valid():
        return _credit_page(request, client, form)
    cleaned = form.cleaned_data
    try:
        account_credits.give(
            client,
            amount_minor=cleaned["amount"],
            reason=cleaned["reason"],
            form_key=cleaned["form_key"],
            shown=cleaned["shown"],
            by=request.actor,
        )
    except Refused as refusal:
        client = lookups.client_with_balance_of(request, ref)
        return _credit_page(request, client, _credit_form(request, client).refused(refusal))
    messages.success(request, _("The credit was added. It is applied to the oldest shared invoices first."))
    return redirect("office:client_billing", ref=ref)


@office_page(*BILLING_EDITORS)
@require_POST
def void_credit(request: OfficeRequest, ref: str) -> HttpResponse:
    credit = lookups.get_credit(request, ref)
    shown = shown_sums_field.of(request)
    with show_refusal(request):
        account_credits.take_back(credit, reason=_("Added by mistake"), shown=shown, by=request.actor)
        messages.success(request, _("The credit was voided. Its invoices are unpaid again."))
    return redirect("office:client_billing", ref=credit.client.ref)


def _void_form(request: OfficeRequest, payment: Payment, allocations: list[Allocation]) -> TakeBackForm:
    initial = {"why": str(RECORDED_BY_MISTAKE)} if manual_payments.may_undo(payment, actor=request.actor) else {}
    return TakeBackForm(posted(request), initial=initial, now=shown_sums.of_taking_back(payment, allocations))


def _void_page(
    request: OfficeRequest, payment: Payment, form: TakeBackForm, allocations: list[Allocation]
) -> HttpResponse:
    context = {
        "payment": payment,
        "name": payment_labels.payment_name(payment),
        "client": payment.client,
        "form": form,
        "allocations": allocations,
        "is_undoable": manual_payments.may_undo(payment, actor=request.actor),
    }
    return render(request, "office/payments/take_back.html", context, status=form.page_status)


def _credit_form(request: OfficeRequest, client: Client) -> CreditForm:
    now = shown_sums.of_balance(balances.shown_office_minor(client))
    return CreditForm(posted(request), currency=client.practice.currency, now=now)


def _credit_page(request: OfficeRequest, client: Client, form: CreditForm) -> HttpResponse:
    context = {"client": client, "form": form, "balance_minor": balances.shown_office_minor(client)}
    return render(request, "office/payments/credit.html", context, status=form.page_status)
