"""`Ask for help` in the portal's foot: a client writes to the practice's staff."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from portico.domain.access.help_requests import help_requests
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.web import client_mismatch, help_request_form, saved_forms
from portico.web.guards import portal_page
from portico.web.help_request_form import HelpRequestForm
from portico.web.http.request_types import PortalRequest
from portico.web.portal.flash_messages import NOT_SENT_YET, Notice

SENT = "sent"


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PortalRequest) -> HttpResponse:
    """Shows the form, with what was written before the session ended; then that it was sent."""
    if request.method == "POST":
        return _submit(request)
    if SENT in request.GET:
        return _page(request, None)
    kept = saved_forms.find_fields_of_client(request)
    if kept is not None:
        form = HelpRequestForm(initial={name: kept.get(name, "") for name in HelpRequestForm.base_fields})
        return _page(request, form, notices=[NOT_SENT_YET])
    # Whose words they are is known only if the mailbox has one client.
    name = request.access.holder.name if len(request.accesses) == 1 else ""
    return _page(request, HelpRequestForm(initial={"name": name, "contact": request.account.email}))


def _submit(request: PortalRequest) -> HttpResponse:
    form = HelpRequestForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        help_requests.create_in_portal(
            request.access,
            form.entry,
            account=request.account,
            form_key=request.POST.get("form_key", ""),
            by=request.actor,
        )
    except RateLimitExceeded as exceeded:
        help_request_form.refuse_for_limit(form, request.practice, exceeded)
        return help_request_form.mark_for_limit(_page(request, form), exceeded)
    query = urlencode({SENT: "", **client_mismatch.for_client(request)})
    return redirect(f"{reverse('portal:ask_for_help', kwargs={'slug': request.practice.slug})}?{query}")


def _page(
    request: PortalRequest,
    form: HelpRequestForm | None,
    *,
    notices: list[Notice] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    context = help_request_form.context_for(request.practice, form) | {"messages": notices or []}
    return render(request, "portal/ask_for_help.html", context, status=status)
