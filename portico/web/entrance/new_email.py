"""The link in the mail to a new email address: opening it changes nothing, its button makes the change."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access.address_change import confirmation
from portico.web import client_mismatch, languages
from portico.web.entrance import opened_links, out_of_date
from portico.web.guards import open_page
from portico.web.http.request_types import OpenRequest

COOKIE = settings.ADDRESS_COOKIE_NAME


@open_page
@require_safe
def open_link(request: OpenRequest, token: str) -> HttpResponse:
    """Moves the token from the URL into a cookie and redirects, as for a sign-in link."""
    response = redirect("entrance:new_email", slug=request.practice.slug)
    response["Referrer-Policy"] = "no-referrer"
    opened_links.add(request, response, request.practice, token, cookie=COOKIE)
    return response


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Shows the link opened last at this practice; POST makes the change of the link named in the form."""
    if request.method == "POST":
        return _confirm(request)
    if "changed" in request.GET:
        return render(request, "entrance/new_email/changed.html", {"practice": request.practice})
    opened = opened_links.last(request, request.practice, cookie=COOKIE)
    email = confirmation.find(request.practice, opened.token)
    if email is None:
        return _gone(request)
    if not languages.chosen_language(request):
        translation.activate(email.content["language"])
    context = {"practice": request.practice, "subject": opened.name, "address": email.to_address}
    return render(request, "entrance/new_email/live.html", context)


def _confirm(request: OpenRequest) -> HttpResponse:
    named = request.POST.get(client_mismatch.FIELD, "")
    opened = opened_links.find(request, request.practice, named, cookie=COOKIE)
    if opened is None:
        return out_of_date.page(request)
    is_changed = confirmation.confirm(request.practice, opened.token) is not None
    if not is_changed and not confirmation.is_made(request.practice, opened.token):
        return _gone(request)
    # The used link stays in the cookie: selecting the button a second time leads to the same page.
    return redirect(f"{reverse('entrance:new_email', kwargs={'slug': request.practice.slug})}?changed")


def _gone(request: OpenRequest) -> HttpResponse:
    return render(request, "entrance/new_email/gone.html", {"practice": request.practice}, status=HTTPStatus.GONE)
