"""Asking again who somebody is, before what matters most: refund, export, keys, own email, roles, invites.

For a page whose form changes such a thing (asked before the form is shown, so that nothing typed is interrupted):

    @office_page(Role.OWNER)
    @proven
    @require_http_methods(["GET", "HEAD", "POST"])
    def edit_role(request: OfficeRequest, ref: str) -> HttpResponse: ...

For one button on a page that may be looked at freely, at the top of its POST:

    if (asked := proving.needs_proof(request)) is not None:
        return asked

Both let through for ten minutes after the last proof. What was posted comes back as a form to press again.
"""

from functools import wraps
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.staff import saved_forms
from portico.plumbing import form_recovery
from portico.web import office_redirects, staff_verification
from portico.web.guards import View, office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import second_factor_prompt


def recently_verified[**P](view: View[OfficeRequest, P]) -> View[OfficeRequest, P]:
    """Stands under `@office_page`: the page opens only to who has shown lately who they are."""

    @wraps(view)
    def asked_first(request: OfficeRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return reauthentication_needed(request) or view(request, *args, **kwargs)

    return asked_first


def reauthentication_needed(request: OfficeRequest) -> HttpResponse | None:
    """The way to the page that asks, when the last proof is older than ten minutes; None when it is not."""
    if staff_verification.is_recent(request.session):
        return None
    query = {"next": _back(request)}
    if request.method == "POST":
        fields = form_recovery.posted_fields(request.POST.lists())
        kept = saved_forms.save(request.staff, path=request.get_full_path(), fields=fields)
        query |= {"kept": kept.ref} if kept else {"again": "1"}
    address = f"{reverse('office:prove')}?{urlencode(query)}"
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


@office_page()
@sensitive_post_parameters("otp", "recovery_code", "passkey", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def reauthenticate(request: OfficeRequest) -> HttpResponse:
    """Asks for a factor again; in the demo, where nobody has one, for the password."""
    answer = second_factor_prompt.ask(request, template="office/prove.html", question="office:prove_by_passkey")
    if isinstance(answer, HttpResponse):
        return answer
    staff_verification.record(request.session, answer)
    if "again" in request.GET:
        messages.info(request, _("Thank you. Now press once more."))
    return redirect(office_redirects.landing(request, request.staff))


@office_page()
@require_POST
def reauthenticate_by_passkey(request: OfficeRequest) -> HttpResponse:
    """The question that our script hands to the browser."""
    return second_factor_prompt.ask_for_passkey(request)


def _back(request: OfficeRequest) -> str:
    """Where to go on afterwards: the page itself, or for a button the page on which it stood."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    stood_on = urlsplit(request.headers.get("Referer", ""))
    return office_redirects.own_path(f"{stood_on.path}?{stood_on.query}" if stood_on.query else stood_on.path)
