"""`Generate PIN`: creates a PIN and shows it once, to the staff member who created it."""

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import access_lookups
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.access.sign_in.sign_in_pins import PinNotAllowed
from portico.domain.clients import client_numbers
from portico.plumbing.mail import rendering
from portico.web.guards import office_page
from portico.web.http import cookies
from portico.web.http.request_types import OfficeRequest
from portico.web.office import fix_urls, form_keys, lookups
from portico.web.office.client_portal import portal_tab, shown_access
from portico.web.office.roles import CLIENT_EDITORS


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def generate(request: OfficeRequest, ref: str) -> HttpResponse:
    if request.method == "POST":
        return _generate(request, ref)
    return _show_once(request, ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def allow_more_tries(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    sign_in_pins.allow_more_attempts(client, relationship, by=request.actor)
    messages.success(request, _("More tries are allowed. You can now generate a new PIN."))
    return redirect(shown_access.url_of(client, relationship))


def _generate(request: OfficeRequest, ref: str) -> HttpResponse:
    if "caller_checked" not in request.POST:
        unchecked = _("Find out who is calling and check the box first.")
        return portal_tab.pin_refused(request, ref, unchecked, HTTPStatus.UNPROCESSABLE_CONTENT)
    form_key, client = form_keys.key_of(request), lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    try:
        sign_in_pins.generate(client, relationship, form_key=form_key, by=request.actor)
    except PinNotAllowed as refusal:
        return portal_tab.pin_refused(request, ref, str(refusal))
    shown_once = reverse("office:client_pin", args=[ref])
    response = redirect(f"{shown_once}{fix_urls.access_query(relationship)}")
    # The form key, not the PIN: with it the same staff member can see the PIN for one minute.
    cookies.set_cookie(
        response, settings.PIN_COOKIE_NAME, form_key, max_age=int(sign_in_pins.SHOWN_FOR.total_seconds())
    )
    return response


def _show_once(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    form_key = form_keys.clean_key(request.COOKIES.get(settings.PIN_COOKIE_NAME, ""))
    generated = sign_in_pins.digits(client, form_key, to=request.actor)
    if generated is None:
        messages.info(
            request, _("A PIN is shown only once. If you need another, generate a new one; it replaces the last one.")
        )
        return redirect(shown_access.url_of(client, relationship))
    pin, digits = generated
    access = access_lookups.access_of(client, relationship)
    context = {
        "client": client,
        "holder": access.holder_name() if access is not None else client.name,
        "of_access": fix_urls.access_query(relationship),
        "pin": pin,
        "halves": (digits[:4], digits[4:]),
        "spelled_out": [", ".join(str(_DIGITS[int(digit)]) for digit in half) for half in (digits[:4], digits[4:])],
        "client_number": client_numbers.number_of(client),
        "address": access.address.address if access and access.address else "",
        "works_for": rendering.duration(settings.PIN_TTL),
    }
    response = render(request, "office/client_portal/pin.html", context)
    if request.method == "GET":
        cookies.delete_cookie(response, settings.PIN_COOKIE_NAME)
    return response


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
