"""`Pay Now`: shows the amount and the cards, then redirects to Stripe's page or to the payment's status."""

from collections.abc import Sequence
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.billing.card_payments import payment_initiation, quotes, saved_cards
from portico.domain.billing.card_payments.payment_initiation import Payer, PaymentOrder
from portico.domain.billing.card_payments.payment_refusals import AmountChanged, CardNotFound
from portico.domain.billing.card_payments.quotes import Quote
from portico.domain.billing.models import AttemptMethod, Invoice, PaymentAttempt, SavedCard
from portico.domain.billing.refusals import InvoicePaid, Processing
from portico.gateways.stripe import checkout_sessions
from portico.gateways.stripe.deadline import Deadline
from portico.plumbing.refusals import Refused
from portico.web import saved_forms
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import notices
from portico.web.portal.billing import refuse_unless_allowed
from portico.web.portal.notices import Notice
from portico.web.portal.pay_form import CARD_GONE, PayForm

SAVED_FORM_NOTICE = _(
    "Your session had ended, and nothing has been paid yet. What you chose is kept: look it over and press once more."
)


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def pay_balance(request: PortalRequest) -> HttpResponse:
    refuse_unless_allowed(request)
    return _pay(request, None)


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def pay_invoice(request: PortalRequest, ref: str) -> HttpResponse:
    refuse_unless_allowed(request)
    return _pay(request, get_object_or_404(request.client.invoices.shared(), ref=ref))


@portal_page
@require_POST
def remove_card(request: PortalRequest, ref: str) -> HttpResponse:
    """Removes a saved card of the mailbox; cards belong to the mailbox, not to one of its clients."""
    card = get_object_or_404(SavedCard.objects.active().filter(account=request.account), ref=ref)
    saved_cards.remove(card, request.client, by=request.actor)
    saved_cards.detach(card, deadline=Deadline())
    billing = reverse("portal:billing", kwargs={"slug": request.practice.slug})
    return notices.redirect_with_notice(billing, notices.CARD_REMOVED)


def payer_of(request: PortalRequest) -> Payer:
    """Returns the payer. Sessions that began with a PIN save no card: a PIN does not prove access to the mailbox."""
    is_by_email = request.portal_session.only_client_id is None
    return Payer(request.account, request.client, request.actor, may_save=is_by_email)


def _pay(request: PortalRequest, invoice: Invoice | None) -> HttpResponse:
    quotes.refuse_unless_open(request.practice, request.access)
    payer = payer_of(request)
    try:
        quote = quotes.of_balance(request.client) if invoice is None else quotes.of_invoice(invoice)
    except (InvoicePaid, Processing):
        return _show_recent_attempt(request, payer, invoice)
    if not quote.invoices and payment_initiation.recent_attempt(payer, None):
        return _show_recent_attempt(request, payer, None)
    saved = saved_cards.usable_cards(request.account, request.practice)
    if request.method == "POST":
        return _post(request, payer, quote, invoice, saved)
    quotes.refuse_unless_chargeable(quote)
    if attempt := payment_initiation.open_attempt(payer, quote):
        return _to_payment(request, attempt)
    choices = saved_forms.find_fields_of_client(request)
    form = PayForm(saved=saved, may_save=payer.may_save, saved_fields=choices)
    messages = [] if choices is None else [Notice("info", CARD_GONE if form.has_lost_card else SAVED_FORM_NOTICE)]
    return _page(request, quote, form, messages=messages)


def _post(
    request: PortalRequest, payer: Payer, quote: Quote, invoice: Invoice | None, saved: list[SavedCard]
) -> HttpResponse:
    form = PayForm(request.POST, saved=saved, may_save=payer.may_save)
    if not form.is_valid():
        return _page(request, quote, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    order = _order(invoice, form)
    try:
        attempt = payment_initiation.start_payment(payer, order)
    except (InvoicePaid, Processing):
        return _show_recent_attempt(request, payer, invoice)
    except Refused as refusal:
        current = quotes.of_balance(request.client) if invoice is None else quote
        # If less is due than the page showed, an earlier payment explains it. If more is due, it does not.
        has_grown = isinstance(refusal, AmountChanged) and current.amount_minor >= (order.amount_minor or 0)
        is_unpaid = has_grown or isinstance(refusal, CardNotFound)
        recent = None if is_unpaid else payment_initiation.recent_attempt(payer, invoice)
        if recent:
            return _to_recent_attempt(request, recent, order)
        return _refused(request, payer, current, form, refusal)
    if attempt.method == AttemptMethod.CHECKOUT and attempt.holds_invoices and attempt.checkout_url:
        return redirect(attempt.checkout_url)
    return _to_payment(request, attempt)


def _refused(request: PortalRequest, payer: Payer, quote: Quote, form: PayForm, refusal: Refused) -> HttpResponse:
    """Shows the page again with the refusal; if the saved card is gone, without it."""
    status = HTTPStatus(refusal.status)
    if isinstance(refusal, CardNotFound):
        saved = saved_cards.usable_cards(request.account, request.practice)
        form = PayForm(saved=saved, may_save=payer.may_save, saved_fields=request.POST)
        return _page(request, quote, form, status=status, messages=[Notice("error", str(refusal))])
    form.add_error(None, str(refusal))
    return _page(request, quote, form, status=status)


def _page(
    request: PortalRequest,
    quote: Quote,
    form: PayForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    messages: Sequence[Notice] = (),
) -> HttpResponse:
    context = {"client": request.client, "quote": quote, "form": form, "messages": messages}
    if len(quote.invoices) == 1:
        context["invoice"] = quote.invoices[0]
    response = render(request, "portal/paying/pay.html", context, status=status)
    # Browsers apply form-action also to the redirect to Stripe.
    origin = checkout_sessions.origin(settings.STRIPE_API_BASE)
    response._csp_config = settings.SECURE_CSP | {"form-action": [CSP.SELF, origin]}  # type: ignore[attr-defined]  # What Django's csp_override sets.
    return response


def _show_recent_attempt(request: PortalRequest, payer: Payer, invoice: Invoice | None) -> HttpResponse:
    """Redirects a repeated submission to the first payment. Raises InvoicePaid if there is no recent attempt."""
    attempt = payment_initiation.recent_attempt(payer, invoice)
    if attempt is None:
        raise InvoicePaid
    if request.method != "POST":
        return _to_payment(request, attempt)
    saved = saved_cards.usable_cards(request.account, request.practice)
    form = PayForm(request.POST, saved=saved, may_save=payer.may_save)
    return _to_recent_attempt(request, attempt, _order(invoice, form) if form.is_valid() else None)


def _order(invoice: Invoice | None, form: PayForm) -> PaymentOrder:
    # Our form always has an amount. The URL names an invoice; for the balance, the form names what it covers.
    amount, digest = form.cleaned_data["amount"] or 0, form.cleaned_data["shown"] if invoice is None else None
    return PaymentOrder(invoice, form.card, amount, digest, form.consent_text)


def _to_recent_attempt(request: PortalRequest, attempt: PaymentAttempt, order: PaymentOrder | None) -> HttpResponse:
    """Redirects to the first payment, with the notice that a different second order was not charged."""
    if order is not None and payment_initiation.is_same_order(attempt, order):
        return _to_payment(request, attempt)
    payment_url = reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": attempt.ref})
    return notices.redirect_with_notice(payment_url, notices.NOT_CHARGED_AGAIN)


def _to_payment(request: PortalRequest, attempt: PaymentAttempt) -> HttpResponse:
    return redirect(reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": attempt.ref}))
