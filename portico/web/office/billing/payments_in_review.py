"""Card payments that staff must review, and releasing one whose outcome cannot be found out."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.billing import shown_sums
from portico.domain.billing.models import PaymentAttempt
from portico.domain.billing.stripe_sync import manual_release, payments_in_review
from portico.plumbing.refusals import Refused
from portico.web import payment_labels
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import posted
from portico.web.office.billing import review_labels
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
    reviews = [review_labels.payment_in_review(attempt) for attempt in attempts]
    lists: dict[str, Sequence[object]] = {
        "for_staff": [review for review in reviews if review.is_for_staff][:MAX_ROWS],
        "polled": [review for review in reviews if not (review.is_for_staff or review.refusal)][:MAX_ROWS],
        "refused": [review for review in reviews if review.refusal][:MAX_ROWS],
        "refunds_requested": [(payment, payment_labels.payment_name(payment)) for payment in refunds_requested],
        "refunds_refused": list(
            payments_in_review.refunds_refused(practice).select_related("payment__client")[:MAX_ROWS]
        ),
        "disputed": [
            (dispute, payment_labels.payment_name(dispute.payment), review_labels.dispute_url(dispute))
            for dispute in disputes
        ],
    }
    is_truncated = len(attempts) == 3 * MAX_ROWS or any(len(rows) == MAX_ROWS for rows in lists.values())
    context = {**lists, "max_listed": MAX_ROWS if is_truncated else 0, "may_edit_billing": may_edit_billing(request)}
    return render(request, "office/payments/index.html", context)


@office_page(*BILLING_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: OfficeRequest, ref: str) -> HttpResponse:
    attempt = lookups.get_attempt(request, ref)
    if not attempt.is_moving:
        messages.info(request, _("The outcome of this payment is known by now."))
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
        request, _("The payment was released. What it was meant for can be paid, recorded or voided again.")
    )
    return redirect("office:payments")


def _page(request: OfficeRequest, attempt: PaymentAttempt, form: ReleaseForm) -> HttpResponse:
    context = {"review": review_labels.payment_in_review(attempt), "client": attempt.client, "form": form}
    return render(request, "office/payments/release.html", context, status=form.page_status)
