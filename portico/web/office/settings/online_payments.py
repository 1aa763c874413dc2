"""`Settings` > `Online Payments`: the practice's Stripe keys and webhook, and what still prevents payments."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import card_payment_for_all
from portico.domain.billing.card_payments import saved_cards
from portico.domain.billing.ledger import reports
from portico.domain.billing.stripe_sync import going_live
from portico.domain.practices import practice_settings
from portico.domain.practices.models import OnlinePayments, PaymentProblem, Role
from portico.domain.practices.stripe_setup import api_keys, payment_readiness, webhook_setup
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.gateways.stripe.errors import PermissionMissing, StripeCallFailed
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import LineField
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm
from portico.web.office.settings import online_payments_labels
from portico.web.office.shown_refusals import show_refusal
from portico.web.office.sign_in.reauthentication import recently_verified

MAX_LENGTH = 255
TOO_LONG = gettext_lazy("This is too long. Copy it again in Stripe.")


def _secret_field(label: Any, *, required: bool) -> LineField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)
    messages = {"max_length": TOO_LONG}
    return LineField(label=label, max_length=MAX_LENGTH, required=required, widget=widget, error_messages=messages)


class SecretForm(OfficeForm):
    """The webhook's signing secret alone."""

    webhook_secret = _secret_field(gettext_lazy("Webhook signing secret"), required=True)


class KeysForm(OfficeForm):
    secret_key = _secret_field(gettext_lazy("Secret key"), required=True)
    webhook_secret = _secret_field(gettext_lazy("Webhook signing secret"), required=False)

    @property
    def keys(self) -> Keys:
        return Keys(self.cleaned_data["secret_key"], self.cleaned_data["webhook_secret"])


@office_page(Role.OWNER)
@recently_verified
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    return _page(request)


@office_page(Role.OWNER)
@recently_verified
@sensitive_post_parameters("secret_key", "webhook_secret")
@require_POST
def save_keys(request: OfficeRequest) -> HttpResponse:
    form = KeysForm(request.POST)
    if not form.is_valid():
        return _page(request, keys=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        payments = going_live.save_keys(request.practice, form.keys, by=request.actor)
    except Refused as refusal:
        return _page(request, keys=_with_refusal(form, refusal), status=HTTPStatus.UNPROCESSABLE_CONTENT)
    if problem := online_payments_labels.broken_step_label(payments, request.practice):
        messages.warning(request, _("The key was saved, but clients can’t pay yet. %(why)s.") % {"why": problem})
    else:
        payers = card_payment_for_all.count(request.practice)
        message = _("The key was saved and checked with Stripe. %(able)d of %(total)d clients can pay by card.")
        messages.success(request, message % {"able": payers.able, "total": payers.total})
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@require_POST
def remove_keys(request: OfficeRequest) -> HttpResponse:
    api_keys.remove_keys(request.practice, by=request.actor)
    messages.success(request, _("Stripe was disconnected. Clients can no longer pay by card."))
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@require_POST
def check_again(request: OfficeRequest) -> HttpResponse:
    with show_refusal(request):
        payments = api_keys.check_again(request.practice, by=request.actor)
        if _is_webhook_missing(request, payments):
            messages.warning(request, _("The webhook for this address no longer exists in Stripe."))
        if payments and (problem := online_payments_labels.broken_step_label(payments, request.practice)):
            messages.warning(request, _("Checked with Stripe. Clients can’t pay: %(why)s.") % {"why": problem})
        elif payments:
            messages.success(request, _("Checked with Stripe. Clients can pay."))
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@require_POST
def save_card_default(request: OfficeRequest) -> HttpResponse:
    is_on = request.POST.get("card_payment_by_default") == "on"
    was_on = request.POST.get("shown") == "on"
    with show_refusal(request):
        practice_settings.save_card_default(request.practice, is_on=is_on, shown=was_on, by=request.actor)
        if is_on:
            messages.success(request, _("Card payment is now on for new clients."))
        else:
            messages.success(request, _("Card payment is now off for new clients."))
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@require_POST
def turn_on_card_payment(request: OfficeRequest) -> HttpResponse:
    number = card_payment_for_all.turn_on_for_all(request.practice, by=request.actor)
    message = ngettext(
        "Card payment was turned on for %(number)d client.",
        "Card payment was turned on for %(number)d clients.",
        number,
    )
    messages.success(request, message % {"number": number})
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@require_POST
def make_webhook(request: OfficeRequest) -> HttpResponse:
    with show_refusal(request):
        webhook_setup.create_webhook(request.practice, by=request.actor)
        messages.success(request, _("The webhook was created in Stripe. Payments now appear right away."))
    return redirect("office:online_payments")


@office_page(Role.OWNER)
@recently_verified
@sensitive_post_parameters("webhook_secret")
@require_POST
def save_secret(request: OfficeRequest) -> HttpResponse:
    form = SecretForm(request.POST, prefix="by-hand")
    if not form.is_valid():
        return _page(request, secret=form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        webhook_setup.save_secret(request.practice, form.cleaned_data["webhook_secret"], by=request.actor)
    except Refused as refusal:
        return _page(request, secret=_with_refusal(form, refusal), status=HTTPStatus.UNPROCESSABLE_CONTENT)
    messages.success(request, _("The webhook signing secret was saved."))
    return redirect("office:online_payments")


def _is_webhook_missing(request: OfficeRequest, payments: OnlinePayments | None) -> bool:
    """Returns whether the webhook is gone at Stripe; False if the key does not work, which is to be fixed first.

    Raises the refusal from `api_keys.refusal_of`.
    """
    if payments is None or payments.problem in {
        PaymentProblem.KEY_REFUSED,
        PaymentProblem.KEY_RESTRICTED,
        PaymentProblem.KEY_UNREADABLE,
    }:
        return False
    try:
        return webhook_setup.check_webhook(request.practice, by=request.actor)
    except PermissionMissing:
        return False  # A key without this permission can still charge.
    except StripeCallFailed as error:
        raise api_keys.refusal_of(error) from error


def _with_refusal[F: forms.Form](form: F, refusal: Refused) -> F:
    form.add_error(refusal.field, str(refusal))
    return form


def _page(
    request: OfficeRequest,
    *,
    keys: KeysForm | None = None,
    secret: SecretForm | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    payments = payment_readiness.online_payments_of(request.practice)
    context: dict[str, object] = {
        "keys": keys or KeysForm(),
        "secret": secret or SecretForm(prefix="by-hand"),
        "currency": request.practice.currency,
        "hook": webhook_setup.url_of(request.practice),
        "payments": None,
        "pill": online_payments_labels.pill(request.practice),
        "test_payments": going_live.sum_of_test_payments(request.practice),
    }
    if payments is not None and payments.key is not None:
        last_payment_at, processing = reports.card_activity(request.practice)
        context |= {
            "payments": payments,
            "steps": online_payments_labels.steps(payments, request.practice),
            "facts": online_payments_labels.facts(payments),
            "clock_trouble": online_payments_labels.clock_problem(payments),
            "webhook_status": webhook_setup.webhook_status(payments, request.practice),
            "last_payment_at": last_payment_at,
            "cards_left_behind": saved_cards.count_unusable(request.practice),
            "processing": processing,
            "payers": card_payment_for_all.count(request.practice),
        }
    return render(request, "office/settings/online_payments/index.html", context, status=status)
