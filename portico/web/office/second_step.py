"""The second step of signing in: the code of the authenticator, a passkey, or a recovery code."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices import second_factor
from portico.web import proofs, returning
from portico.web.guards import office_step
from portico.web.office import asking, stepping_in
from portico.web.requests import OfficeRequest


@office_step
@sensitive_post_parameters("otp", "recovery_code", "passkey")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    """Asks for the factor; who has none yet sets one up."""
    if proofs.next_step(request.session) != "office:second_step":
        return returning.onward(request)
    if not second_factor.is_set_up(request.staff):
        return redirect(returning.carried(request, reverse("office:first_factor")))
    answer = asking.ask(request, template="office/second_step.html", question="office:second_step_by_passkey")
    if isinstance(answer, HttpResponse):
        return answer
    stepping_in.by_factor(request, answer)
    return returning.onward(request)


@office_step
@require_POST
def by_passkey(request: OfficeRequest) -> HttpResponse:
    """The question that our script hands to the browser."""
    return asking.ask_for_passkey(request)
