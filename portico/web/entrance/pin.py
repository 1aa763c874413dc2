"""`I have a PIN`: signs in to one client with an email address and the eight digits that staff read out."""

from dataclasses import replace
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.access.sign_in import sign_in_pins
from portico.plumbing.mail import rendering
from portico.web import redirects
from portico.web.entrance import completing_sign_in
from portico.web.entrance.pin_form import PinForm
from portico.web.guards import open_page
from portico.web.http import request_origin
from portico.web.http.request_types import OpenRequest

NO_MATCH = _(
    "That email and PIN don’t match. Check both and try again. "
    "After 5 tries a PIN stops working; we can then read you a new one."
)


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: OpenRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PinForm())
    form = PinForm(request.POST)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    browser = request_origin.browser_from(request)
    started = sign_in_pins.enter(
        request.practice,
        form.cleaned_data["email"],
        form.cleaned_data["pin"],
        visitor=browser,
        ip=request_origin.ip_of(request),
    )
    if started is None:
        form.add_error("pin", NO_MATCH)
        return _page(request, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    return completing_sign_in.complete_sign_in(
        request, replace(started, goes_to=redirects.requested_portal_path(request)), browser
    )


def _page(request: OpenRequest, form: PinForm, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {
        "practice": request.practice,
        "form": form,
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "next": redirects.requested_portal_path(request),
    }
    return render(request, "entrance/pin.html", context, status=status)
