"""`Still not in?`: a visitor who cannot sign in asks the practice for help. The same answer for every address."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portico.domain.access.help_requests import help_requests
from portico.domain.access.sign_in.requests import sign_in_requests
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.web import help_request_form
from portico.web.guards import open_page
from portico.web.help_request_form import EntranceHelpForm
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest

SENT = "sent"


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Shows the form, with the address for which this browser last requested a link; then that it was sent."""
    if request.method == "POST":
        return _submit(request)
    if SENT in request.GET:
        return _page(request, None)
    return _page(request, EntranceHelpForm(initial={"address": _address_typed(request)}))


def _submit(request: OpenRequest) -> HttpResponse:
    form = EntranceHelpForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        help_requests.create_at_entrance(
            request.practice, form.entry, form_key=request.POST.get("form_key", ""), ip=ip_and_browser.ip_of(request)
        )
    except RateLimitExceeded as exceeded:
        help_request_form.refuse_for_limit(form, request.practice, exceeded)
        return help_request_form.mark_for_limit(_page(request, form), exceeded)
    return redirect(f"{reverse('entrance:ask_for_help', kwargs={'slug': request.practice.slug})}?{SENT}")


def _address_typed(request: OpenRequest) -> str:
    key = ip_and_browser.request_cookie_of(request)
    latest = sign_in_requests.latest(request.practice, key) if key else None
    return latest.address if latest is not None and latest.is_typed else ""


def _page(request: OpenRequest, form: EntranceHelpForm | None, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = help_request_form.context_for(request.practice, form)
    return render(request, "entrance/ask_for_help.html", context, status=status)
