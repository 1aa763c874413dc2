"""`Pay Now`: shows the amount and the cards, then redirects to Stripe's page or to the payment's status."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.billing.card_payments import payment_initiation, quotes, saved_cards
from portico.domain.billing.card_payments.payment_initiation import GoTo, Show
from portico.domain.billing.card_payments.payment_refusals import CardNotFound
from portico.domain.billing.card_payments.quotes import Payer, PaymentOrder, Quote
from portico.domain.billing.models import Invoice, SavedCard
from portico.domain.billing.refusals import InvoicePaid
from portico.gateways.stripe import checkout_sessions
from portico.gateways.stripe.deadline import Deadline
from portico.plumbing.refusals import Refused
from portico.web import saved_forms
from portico.web.guards import portal_billing_page, portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.flash_messages import Notice

SAVED_FORM_NOTICE = _(
    "You were signed out, and nothing has been paid yet. We’ve kept what you chose. Check it and submit it again."
)
NEW_CARD = "new"
SAVE_CARD = _("Save Card")
SAVE_CARD_HINT = _("For next time. We only use it when you select Pay Now, and you can remove it at any time.")


class PayForm(forms.Form):
    """Chooses the card. `amount` and `shown` are what the page showed, compared with what is due at submission.

    `saved_fields` prefills the form with choices made before the session ended.
    """

    # "new" from the second button, which pays with a new card.
    pay = forms.CharField(required=False)
    save_card = forms.BooleanField(required=False)
    amount = forms.IntegerField(required=False)
    # Digest of the invoices on the page and the open amount of each.
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        saved: list[SavedCard],
        may_save: bool,
        saved_fields: QueryDict | None = None,
    ) -> None:
        super().__init__(data)
        choices = data or saved_fields or QueryDict()
        first = saved[0].ref if saved else NEW_CARD
        self.saved = saved
        self.may_save = may_save
        self.chosen = NEW_CARD if choices.get("pay") == NEW_CARD else choices.get("with") or first
        self.wants_to_save = bool(choices.get("save_card"))
        self.has_lost_card = self.chosen != NEW_CARD and self.card is None
        if self.has_lost_card and not self.is_bound:
            self.chosen = first

    @property
    def card(self) -> SavedCard | None:
        """Returns the chosen saved card; None for a new card, which is entered on Stripe's page."""
        return next((card for card in self.saved if card.ref == self.chosen), None)

    def clean(self) -> dict[str, Any] | None:  # Any: Django's own.
        if self.has_lost_card:
            raise forms.ValidationError(CardNotFound.message)
        return super().clean()

    def order(self, invoice: Invoice | None) -> PaymentOrder:
        """Returns the order of a valid form. The URL names an invoice; for the balance, `shown` is what it covers."""
        saves = self.cleaned_data["save_card"] and self.may_save and self.card is None
        return PaymentOrder(
            invoice,
            self.card,
            # Our form always has an amount.
            amount_minor=self.cleaned_data["amount"] or 0,
            digest=self.cleaned_data["shown"] if invoice is None else None,
            consent_text=f"{SAVE_CARD}. {SAVE_CARD_HINT}" if saves else "",
        )


@portal_billing_page
@require_http_methods(["GET", "HEAD", "POST"])
def pay_balance(request: PortalRequest) -> HttpResponse:
    return _pay(request, None)


@portal_billing_page
@require_http_methods(["GET", "HEAD", "POST"])
def pay_invoice(request: PortalRequest, ref: str) -> HttpResponse:
    invoice = quotes.find_invoice(request.client, ref)
    if invoice is None:
        raise Http404
    return _pay(request, invoice)


@portal_page
@require_POST
def remove_card(request: PortalRequest, ref: str) -> HttpResponse:
    """Removes a saved card of the mailbox; cards belong to the mailbox, not to one of its clients."""
    card = get_object_or_404(SavedCard.objects.active().filter(account=request.account), ref=ref)
    saved_cards.remove(card, request.client, by=request.actor)
    saved_cards.detach(card, deadline=Deadline())
    billing = reverse("portal:billing", kwargs={"slug": request.practice.slug})
    return flash_messages.redirect_with_notice(billing, flash_messages.CARD_REMOVED)


def _pay(request: PortalRequest, invoice: Invoice | None) -> HttpResponse:
    quotes.refuse_unless_open(request.practice, request.access)
    # Sessions that began with a PIN save no card: a PIN does not prove access to the mailbox.
    may_save = request.client_view is not None or request.portal_session.only_client_id is None
    payer = Payer(request.account, request.client, request.actor, may_save=may_save)
    if request.method != "POST":
        offer = payment_initiation.offer(payer, invoice)
        return _choices(request, payer, offer) if isinstance(offer, Quote) else _follow(request, offer)
    form = PayForm(request.POST, saved=_usable_cards(request), may_save=may_save)
    if not form.is_valid():
        offer = payment_initiation.offer(payer, invoice)
        if isinstance(offer, Show):
            return _follow(request, replace(offer, is_earlier=True))
        return _page(request, offer, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        return _follow(request, payment_initiation.pay(payer, form.order(invoice)))
    except InvoicePaid:
        raise
    except Refused as refusal:
        return _refused(request, invoice, form, refusal)


def _follow(request: PortalRequest, outcome: GoTo | Show) -> HttpResponse:
    if isinstance(outcome, GoTo):
        return redirect(outcome.url)
    status_url = reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": outcome.attempt.ref})
    if outcome.is_earlier:
        return flash_messages.redirect_with_notice(status_url, flash_messages.NOT_CHARGED_AGAIN)
    return redirect(status_url)


def _choices(request: PortalRequest, payer: Payer, quote: Quote) -> HttpResponse:
    """Shows the cards to choose from, with the choices made before the session ended."""
    choices = saved_forms.find_fields_of_client(request)
    form = PayForm(saved=_usable_cards(request), may_save=payer.may_save, saved_fields=choices)
    notice = Notice("info", CardNotFound.message if form.has_lost_card else SAVED_FORM_NOTICE)
    return _page(request, quote, form, messages=[] if choices is None else [notice])


def _refused(request: PortalRequest, invoice: Invoice | None, form: PayForm, refusal: Refused) -> HttpResponse:
    """Shows the page again with the refusal; if the saved card is gone, without it."""
    quote, status = quotes.quote_for(request.client, invoice), HTTPStatus(refusal.status)
    if isinstance(refusal, CardNotFound):
        form = PayForm(saved=_usable_cards(request), may_save=form.may_save, saved_fields=request.POST)
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
    invoice = quote.invoices[0] if len(quote.invoices) == 1 else None
    context = {"client": request.client, "quote": quote, "form": form, "invoice": invoice, "messages": messages}
    response = render(request, "portal/paying/pay.html", context, status=status)
    # Browsers apply form-action also to the redirect to Stripe.
    origin = checkout_sessions.origin(settings.STRIPE_API_BASE)
    response._csp_config = settings.SECURE_CSP | {"form-action": [CSP.SELF, origin]}  # type: ignore[attr-defined]  # What Django's csp_override sets.
    return response


def _usable_cards(request: PortalRequest) -> list[SavedCard]:
    return saved_cards.usable_cards(request.account, request.practice)
