"""`Pay Now`: what is to pay, with which card; then Stripe's page, or the page that tells what became of it."""

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
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import notices, saved_form
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
    """The card is the mailbox's own; whoever it pays for."""
    card = get_object_or_404(SavedCard.objects.kept().filter(account=request.account), ref=ref)
    saved_cards.remove(card, request.client, by=request.actor)
    saved_cards.detach(card, deadline=Deadline())
    billing = reverse("portal:billing", kwargs={"slug": request.practice.slug})
    return notices.url_with_notice(billing, notices.CARD_REMOVED)


def payer_of(request: PortalRequest) -> Payer:
    """A session that began with a PIN saves no card: whoever heard the PIN is not known by their mailbox."""
    is_by_mail = request.portal_session.only_client_id is None
    return Payer(request.account, request.client, request.actor, may_save=is_by_mail)


def _pay(request: PortalRequest, invoice: Invoice | None) -> HttpResponse:
    quotes.refuse_unless_open(request.practice, request.access)
    payer = payer_of(request)
    try:
        quote = quotes.of_balance(request.client) if invoice is None else quotes.of_invoice(invoice)
    except (InvoicePaid, Processing):
        return _shown_or_raised(request, payer, invoice)
    if not quote.invoices and payment_initiation.recent_attempt(payer, None):
        return _shown_or_raised(request, payer, None)
    saved = saved_cards.usable_cards(request.account, request.practice)
    if request.method == "POST":
        return _post(request, payer, quote, invoice, saved)
    quotes.refuse_unless_chargeable(quote)
    if begun := payment_initiation.open_attempt(payer, quote):
        return _to_payment(request, begun)
    choices = saved_form.saved_fields(request)
    form = PayForm(saved=saved, may_save=payer.may_save, kept=choices)
    told = [] if choices is None else [Notice("info", CARD_GONE if form.has_lost_card else SAVED_FORM_NOTICE)]
    return _page(request, quote, form, told=told)


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
        return _shown_or_raised(request, payer, invoice)
    except Refused as refusal:
        fresh = quotes.of_balance(request.client) if invoice is None else quote
        # Less than the page showed: some of it has just been paid. If it is more, an earlier payment explains nothing.
        has_grown = isinstance(refusal, AmountChanged) and fresh.amount_minor >= (order.amount_minor or 0)
        is_unpaid = has_grown or isinstance(refusal, CardNotFound)
        begun = None if is_unpaid else payment_initiation.recent_attempt(payer, invoice)
        return _to_first(request, begun, order) if begun else _refused(request, payer, fresh, form, refusal)
    if attempt.way == AttemptMethod.CHECKOUT and attempt.holds and attempt.checkout_url:
        return redirect(attempt.checkout_url)
    return _to_payment(request, attempt)


def _refused(request: PortalRequest, payer: Payer, quote: Quote, form: PayForm, refusal: Refused) -> HttpResponse:
    """Shows the page again; without the saved card, if it is that which is gone."""
    status = HTTPStatus(refusal.status)
    if isinstance(refusal, CardNotFound):
        saved = saved_cards.usable_cards(request.account, request.practice)
        form = PayForm(saved=saved, may_save=payer.may_save, kept=request.POST)
        return _page(request, quote, form, status=status, told=[Notice("error", str(refusal))])
    form.add_error(None, str(refusal))
    return _page(request, quote, form, status=status)


def _page(
    request: PortalRequest,
    quote: Quote,
    form: PayForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    told: Sequence[Notice] = (),
) -> HttpResponse:
    context = {"client": request.client, "quote": quote, "form": form, "messages": told}
    if len(quote.invoices) == 1:
        context["invoice"] = quote.invoices[0]
    response = render(request, "portal/paying/pay.html", context, status=status)
    # A form that ends at Stripe: the browser asks whether its target may be there.
    origin = checkout_sessions.origin(settings.STRIPE_API_BASE)
    response._csp_config = settings.SECURE_CSP | {"form-action": [CSP.SELF, origin]}  # type: ignore[attr-defined]  # What Django's csp_override sets.
    return response


def _shown_or_raised(request: PortalRequest, payer: Payer, invoice: Invoice | None) -> HttpResponse:
    """A second press is shown what became of the first. Raises InvoicePaid when nobody has just paid."""
    attempt = payment_initiation.recent_attempt(payer, invoice)
    if attempt is None:
        raise InvoicePaid
    if request.method != "POST":
        return _to_payment(request, attempt)
    saved = saved_cards.usable_cards(request.account, request.practice)
    form = PayForm(request.POST, saved=saved, may_save=payer.may_save)
    return _to_first(request, attempt, _order(invoice, form) if form.is_valid() else None)


def _order(invoice: Invoice | None, form: PayForm) -> PaymentOrder:
    # Without an amount the form is none of ours. The address names one invoice; what the balance covers, the form says.
    amount, digest = form.cleaned_data["amount"] or 0, form.cleaned_data["shown"] if invoice is None else None
    return PaymentOrder(invoice, form.card, amount, digest, form.consent_text)


def _to_first(request: PortalRequest, attempt: PaymentAttempt, order: PaymentOrder | None) -> HttpResponse:
    """The payment that came first; what was pressed now is said not to have been charged, unless it is the same."""
    if order is not None and payment_initiation.is_same_order(attempt, order):
        return _to_payment(request, attempt)
    its_page = reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": attempt.ref})
    return notices.url_with_notice(its_page, notices.NOT_CHARGED_AGAIN)


def _to_payment(request: PortalRequest, attempt: PaymentAttempt) -> HttpResponse:
    return redirect(reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": attempt.ref}))
