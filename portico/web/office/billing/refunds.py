"""Refunding a payment: through Stripe to the card, or as a record of money given back by hand."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portico.domain.billing import shown_sums
from portico.domain.billing.models import Payment, Refund, RefundMethod, RefundState
from portico.domain.billing.payments import refunds
from portico.domain.billing.stripe_sync import card_refunds
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money
from portico.web import payment_labels
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import posted
from portico.web.office.billing.payment_forms import RefundForm
from portico.web.office.roles import BILLING_EDITORS
from portico.web.office.sign_in.reauthentication import recently_verified


@office_page(*BILLING_EDITORS)
@recently_verified
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = lookups.get_payment(request, ref)
    form = _form(request, payment)
    if not form.is_valid():
        return _page(request, payment, form)
    cleaned = form.cleaned_data
    make_refund = card_refunds.send if payment.is_online else refunds.record_manual_refund
    try:
        refund = make_refund(
            payment,
            amount_minor=cleaned["amount"],
            reason=form.reason,
            note=cleaned["note"],
            form_key=cleaned["form_key"],
            shown=cleaned["shown"],
            by=request.actor,
        )
    except Refused as refusal:
        payment = lookups.get_payment(request, ref)
        return _page(request, payment, _form(request, payment).refused(refusal))
    amount = money.formatted(refund.amount_minor, refund.currency, language="en")
    messages.success(request, _success_message(refund) % {"amount": amount})
    return redirect("office:client_billing", ref=payment.client.ref)


def _form(request: OfficeRequest, payment: Payment) -> RefundForm:
    currency, now = payment.currency, shown_sums.of_refund(payment)
    initial = {"amount": money.plain_decimal(payment.left_minor, currency)}
    return RefundForm(posted(request), initial=initial, currency=currency, now=now)


def _success_message(refund: Refund) -> str:
    if refund.method == RefundMethod.BY_HAND:
        return _("A refund of %(amount)s was recorded.")
    if refund.state == RefundState.PENDING:
        return _("A refund of %(amount)s was started. Stripe hasn’t confirmed it yet.")
    return _("%(amount)s is being refunded to the card.")


def _page(request: OfficeRequest, payment: Payment, form: RefundForm) -> HttpResponse:
    name = payment_labels.payment_name(payment)
    context = {"payment": payment, "name": name, "client": payment.client, "form": form}
    return render(request, "office/payments/refund.html", context, status=form.page_status)
