"""Going live: listing the test payments in the books, and removing all of them at once."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portico.domain.billing import shown_sums
from portico.domain.billing.shown_sums import ShownSumsChanged
from portico.domain.billing.stripe_sync import going_live
from portico.domain.practices.models import Role
from portico.web import payment_labels
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import shown_sums_field
from portico.web.office.sign_in.reauthentication import recently_verified

# The newest are listed; removing applies to all.
MAX_LISTED = 200


@office_page(Role.OWNER)
@recently_verified
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            removed = going_live.remove_test_payments(
                request.practice, shown=shown_sums_field.of(request), by=request.actor
            )
        except ShownSumsChanged as refusal:
            messages.error(request, str(refusal))
            return redirect("office:test_payments")
        messages.success(request, _success_message(removed))
        return redirect("office:online_payments")
    tests = going_live.sum_of_test_payments(request.practice)
    newest = going_live.test_payments_of(request.practice).select_related("client").order_by("-id")[:MAX_LISTED]
    context = {
        "test_payments": tests,
        "shown": shown_sums.of_many(tests.number, tests.amount_minor),
        "payments": [(payment, payment_labels.payment_name(payment)) for payment in newest],
        "max_listed": MAX_LISTED,
    }
    return render(request, "office/settings/online_payments/test_payments.html", context)


def _success_message(removed: int) -> str:
    if not removed:
        return _("There are no test payments.")
    message = ngettext(
        "%(number)d test payment was removed. Its invoices are unpaid again.",
        "%(number)d test payments were removed. Their invoices are unpaid again.",
        removed,
    )
    return message % {"number": removed}
