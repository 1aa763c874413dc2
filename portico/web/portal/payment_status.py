"""The status page of a payment, to which Stripe and the bank redirect."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import access_lookups, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.card_payments import cancellation, checkouts, polling, quotes
from portico.domain.billing.card_payments.payment_refusals import (
    ServerClockWrong,
    StripeBusy,
    StripeNotReachable,
    StripeRefused,
)
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import AttemptFailure, AttemptState, Payment, PaymentAttempt
from portico.domain.billing.refusals import Processing
from portico.gateways.stripe import decline_reasons
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.decline_reasons import DeclineReason
from portico.gateways.stripe.errors import StripeCallFailed
from portico.web import client_mismatch, payment_labels
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages

TEMPLATES = {
    AttemptState.OPEN: "started",
    AttemptState.PROCESSING: "processing",
    AttemptState.QUARANTINED: "processing",
    AttemptState.SUCCEEDED: "paid",
    AttemptState.FAILED: "declined",
    AttemptState.EXPIRED: "over",
    AttemptState.RELEASED: "over",
}


@dataclass(frozen=True)
class Receipt:
    """A successful payment as shown to its payer."""

    payment: Payment
    paid_with: str
    left_minor: int
    mailed_to: str


@portal_page
@require_safe
def show(request: PortalRequest, ref: str) -> HttpResponse:
    """Polls Stripe while the outcome is unknown: query parameters of the redirect are not trusted.

    A view by staff shows what is stored.
    """
    attempt = _find(request, ref)
    if request.client_view is None:
        attempt = _poll(attempt)
    covers = list(attempt.covers.select_related("invoice").order_by("invoice_id"))
    state = AttemptState(attempt.state)
    context = {
        "messages": flash_messages.notice_of(request),
        "attempt": attempt,
        # Set if another client is chosen now: the page then only offers to switch.
        "other": attempt.client if attempt.client_id != request.client.pk else None,
        "covers": covers,
        "invoice": covers[0].invoice if len(covers) == 1 else None,
        "pay_again": _pay_url(request, attempt),
        "may_pay": quotes.is_open(request.practice, request.access),
        "card": payment_labels.card_name(attempt.card) if attempt.card else "",
        "receipt": _receipt(attempt) if state == AttemptState.SUCCEEDED else None,
        "why": why_declined(attempt.reason),
        "why_refused": why_refused(attempt),
    }
    return render(request, f"portal/paying/{_template_of(attempt)}.html", context)


@portal_page
@require_POST
def start_again(request: PortalRequest, ref: str) -> HttpResponse:
    """Cancels the attempt at Stripe and redirects to the pay page. Offers to switch if another client is chosen."""
    attempt = _find(request, ref)
    if attempt.client_id != request.client.pk:
        return client_mismatch.offer_switch(request, _access_to(request, attempt))
    status_url = reverse("portal:payment", kwargs={"slug": request.practice.slug, "ref": ref})
    if attempt.state == AttemptState.OPEN:
        try:
            cancellation.cancel(attempt, deadline=Deadline())
        except Processing:
            return redirect(status_url)
        except StripeNotReachable:
            return flash_messages.redirect_with_notice(status_url, flash_messages.STRIPE_NOT_REACHED)
        attempt = checkouts.refreshed(attempt)
    if attempt.state == AttemptState.SUCCEEDED:
        return redirect(status_url)
    return redirect(_pay_url(request, attempt))


def why_refused(attempt: PaymentAttempt) -> str:
    """Returns the message for a payment that failed at Stripe, not at the bank."""
    match attempt.failure:
        case AttemptFailure.UNREACHABLE:
            return str(StripeNotReachable.message)
        case AttemptFailure.RATE_LIMITED:
            return str(StripeBusy.message)
        case AttemptFailure.SERVER_CLOCK:
            return str(ServerClockWrong.message)
    return str(StripeRefused.message)


def why_declined(code: str) -> str:
    """Returns the message for a decline code; empty for codes that Stripe advises not to reveal."""
    match decline_reasons.reason(code):
        case DeclineReason.FUNDS:
            return _("Your bank says there are insufficient funds.")
        case DeclineReason.EXPIRED:
            return _("The card has expired.")
        case DeclineReason.NUMBER | DeclineReason.CODE:
            return _("The card number or security code is wrong.")
        case DeclineReason.BANK_ASKS | DeclineReason.BANK_REFUSED:
            return _("Your bank did not confirm that it was you.")
        case DeclineReason.TRY_AGAIN:
            return _("We couldn’t reach your bank. Try again in a few minutes.")
        case DeclineReason.LIMIT:
            return _("The card’s limit has been reached.")
        case _:
            return ""


def _template_of(attempt: PaymentAttempt) -> str:
    was_declined = attempt.failure in {"", AttemptFailure.DECLINED}
    if attempt.state == AttemptState.FAILED and not was_declined:
        return "refused"
    return TEMPLATES[AttemptState(attempt.state)]


def _find(request: PortalRequest, ref: str) -> PaymentAttempt:
    """Returns an attempt of this mailbox for a client whose bills it may see. Raises Http404."""
    clients = [each.client_id for each in request.accesses if each.sees_bills]
    attempts = PaymentAttempt.objects.with_relations().filter(account=request.account, client__in=clients)
    return get_object_or_404(attempts, ref=ref)


def _access_to(request: PortalRequest, attempt: PaymentAttempt) -> PortalAccess:
    return next(each for each in request.accesses if each.client_id == attempt.client_id)


def _poll(attempt: PaymentAttempt) -> PaymentAttempt:
    if attempt.state not in {AttemptState.OPEN, AttemptState.PROCESSING}:
        return attempt
    if attempt.is_held:
        return attempt  # Another process is polling it at the moment.
    try:
        return polling.poll(attempt, deadline=Deadline())
    except (StripeCallFailed, StripeNotReachable):
        return attempt


def _pay_url(request: PortalRequest, attempt: PaymentAttempt) -> str:
    slug = request.practice.slug
    if attempt.is_balance:
        url = reverse("portal:pay_balance", kwargs={"slug": slug})
        query = urlencode(client_mismatch.for_client(request))
        return f"{url}?{query}" if query else url
    invoice = attempt.covers.select_related("invoice").get().invoice
    return reverse("portal:pay_invoice", kwargs={"slug": slug, "ref": invoice.ref})


def _receipt(attempt: PaymentAttempt) -> Receipt:
    payment = Payment.objects.get(attempt=attempt)
    access = access_lookups.access_of_account(attempt.client, attempt.account)
    address = eligibility.mail_address(access, Purpose.BILL_MAIL)
    left = balances.portal_balance(attempt.client).portal_minor
    return Receipt(payment, payment_labels.payment_name(payment), left, address.address if address is not None else "")
