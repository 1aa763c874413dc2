"""Card payments that staff must review, and releasing one whose outcome cannot be found out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.billing import shown_sums
from portico.domain.billing.models import REFUSALS, AttemptFailure, Dispute, PaymentAttempt
from portico.domain.billing.stripe_sync import manual_release, payments_in_review
from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money
from portico.web import payment_labels
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import posted
from portico.web.office.billing.payment_forms import ReleaseForm
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing

# Per list, oldest first.
MAX_ROWS = 50


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    practice = request.practice
    refunds_requested = payments_in_review.refunds_requested(practice).select_related("client")[:MAX_ROWS]
    disputes = payments_in_review.open_disputes(practice).select_related("payment__client")[:MAX_ROWS]
    attempts = (
        payments_in_review.all_attempts(practice)
        .select_related("client")
        .prefetch_related("covers__invoice")[: 3 * MAX_ROWS]
    )
    reviews = [payment_in_review(attempt) for attempt in attempts]
    lists: dict[str, Sequence[object]] = {
        "for_staff": [review for review in reviews if review.is_for_staff][:MAX_ROWS],
        "polled": [review for review in reviews if not (review.is_for_staff or review.refusal)][:MAX_ROWS],
        "refused": [review for review in reviews if review.refusal][:MAX_ROWS],
        "refunds_requested": [(payment, payment_labels.payment_name(payment)) for payment in refunds_requested],
        "refunds_refused": list(
            payments_in_review.refunds_refused(practice).select_related("payment__client")[:MAX_ROWS]
        ),
        "disputed": [
            (dispute, payment_labels.payment_name(dispute.payment), dispute_url(dispute)) for dispute in disputes
        ],
    }
    is_truncated = len(attempts) == 3 * MAX_ROWS or any(len(rows) == MAX_ROWS for rows in lists.values())
    context = {
        **lists,
        "max_listed": MAX_ROWS if is_truncated else 0,
        "may_edit_billing": may_edit_billing(request),
        "release_after": rendering.duration(manual_release.RELEASE_AFTER),
    }
    return render(request, "office/payments/index.html", context)


@office_page(*BILLING_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: OfficeRequest, ref: str) -> HttpResponse:
    attempt = lookups.get_attempt(request, ref)
    if not attempt.is_moving:
        messages.info(request, _("Stripe has since confirmed this payment."))
        return redirect("office:payments")
    form = ReleaseForm(posted(request), now=shown_sums.of_attempt(attempt))
    if not form.is_valid():
        return _page(request, attempt, form)
    try:
        manual_release.release(attempt, reason=form.reason, shown=form.cleaned_data["shown"], by=request.actor)
    except Refused as refusal:
        attempt = lookups.get_attempt(request, ref)
        form = ReleaseForm(request.POST, now=shown_sums.of_attempt(attempt))
        return _page(request, attempt, form.refused(refusal))
    messages.success(
        request, _("The payment was released. Its invoices can be paid, marked as paid by hand or voided.")
    )
    return redirect("office:payments")


def _page(request: OfficeRequest, attempt: PaymentAttempt, form: ReleaseForm) -> HttpResponse:
    context = {"review": payment_in_review(attempt), "client": attempt.client, "form": form}
    return render(request, "office/payments/release.html", context, status=form.page_status)


STRIPE_DASHBOARD = "https://dashboard.stripe.com/"


@dataclass(frozen=True)
class PaymentInReview:
    """A card payment in review; `reported_amount` is what Stripe reports, empty if nothing yet."""

    attempt: PaymentAttempt
    heading: str
    invoices: str
    requested_amount: str
    reported_amount: str
    since: datetime | None
    stripe_url: str
    possible_from: datetime | None
    may_be_released: bool
    refusal: "Refusal | None" = None

    @property
    def is_for_staff(self) -> bool:
        """Returns whether staff must act: it does not match, or has been unknown long enough to be released."""
        return self.attempt.is_quarantined or self.may_be_released


@dataclass(frozen=True)
class Refusal:
    """Stripe's refusal of a payment: text, error code, parameter, and the URL of the request in Stripe's log."""

    label: str
    code: str
    param: str
    request_id: str
    log_url: str
    advice: str


def payment_in_review(attempt: PaymentAttempt) -> PaymentInReview:
    """Returns the labels of an attempt; expects `covers__invoice` to be prefetched."""
    return PaymentInReview(
        attempt=attempt,
        heading=_("Doesn’t match") if attempt.is_quarantined else _("Not confirmed"),
        invoices=_joined(cover.invoice.number for cover in attempt.covers.all()),
        requested_amount=_amount(attempt.amount_minor, attempt.currency, livemode=attempt.livemode),
        reported_amount=_reported_amount(attempt),
        since=attempt.unknown_since,
        stripe_url=payment_url(attempt.payment_intent_id, livemode=attempt.livemode),
        possible_from=manual_release.releasable_from(attempt),
        may_be_released=manual_release.may_be_released(attempt),
        refusal=_refusal(attempt),
    )


def _refusal(attempt: PaymentAttempt) -> Refusal | None:
    if attempt.failure not in REFUSALS:
        return None
    request_id = attempt.stripe_request_id
    return Refusal(
        label=str(AttemptFailure(attempt.failure).label),
        code=attempt.reason,
        param=attempt.failure_param,
        request_id=request_id,
        log_url=f"{_dashboard_url(livemode=attempt.livemode)}logs/{request_id}" if request_id else "",
        advice=_advice(AttemptFailure(attempt.failure)),
    )


def _advice(failure: AttemptFailure) -> str:
    match failure:
        case AttemptFailure.KEY_REFUSED:
            return _("An owner can enter the new key under Settings, Online Payments.")
        case AttemptFailure.PERMISSION:
            return _("An owner can give the restricted key more permissions in Stripe, or enter a secret key.")
        case AttemptFailure.ACCOUNT_CLOSED:
            return _("Stripe’s dashboard shows what is missing.")
    return _("Check the request in Stripe’s log, or accept another form of payment.")


def _dashboard_url(*, livemode: bool) -> str:
    return STRIPE_DASHBOARD if livemode else f"{STRIPE_DASHBOARD}test/"


def payment_url(payment_intent_id: str, *, livemode: bool) -> str:
    """Returns the URL of the payment in Stripe's dashboard; of its payments page if the id is empty."""
    payments_url = f"{_dashboard_url(livemode=livemode)}payments"
    return f"{payments_url}/{payment_intent_id}" if payment_intent_id else payments_url


def dispute_url(dispute: Dispute) -> str:
    """Returns the URL of the disputed payment in Stripe's dashboard, where the dispute is answered."""
    return payment_url(dispute.payment.payment_intent_id, livemode=dispute.payment.livemode)


def _reported_amount(attempt: PaymentAttempt) -> str:
    if attempt.found_minor is None:
        return ""
    return _amount(attempt.found_minor, attempt.found_currency, livemode=bool(attempt.found_livemode))


def _amount(minor: int, currency: str, *, livemode: bool) -> str:
    """Returns an amount such as "$140.00 (USD), live"."""
    values = {"amount": money.formatted(minor, currency, language="en"), "currency": currency}
    if livemode:
        return _("%(amount)s (%(currency)s), live") % values
    return _("%(amount)s (%(currency)s), test mode") % values


def _joined(numbers: Iterable[int | None]) -> str:
    return ", ".join(str(number) for number in numbers)
