"""Recovery codes, shown to the session that created them until the person confirms having saved them."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.practices.staff import recovery_codes
from portico.web import redirects, staff_verification
from portico.web.guards import office_second_step_page
from portico.web.http.request_types import OfficeRequest


@office_second_step_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    if not staff_verification.has_unseen_codes(request.session):
        return redirects.to_next_office_step(request)
    if request.method == "POST":
        staff_verification.mark_codes_seen(request.session)
        return redirects.to_next_office_step(request)
    context = {
        "codes": recovery_codes.unused(request.staff),
        "are_first": staff_verification.are_codes_the_first(request.session),
        "here": redirects.with_next(request, request.path),
    }
    return render(request, "office/recovery_codes.html", context)


@office_second_step_page
@require_safe
def as_text(request: OfficeRequest) -> HttpResponse:
    """Returns the codes as a text file."""
    if not staff_verification.has_unseen_codes(request.session):
        return redirect("office:recovery_codes")
    context = {"codes": recovery_codes.unused(request.staff)}
    response = render(request, "office/recovery_codes.txt", context, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="recovery-codes-{request.practice.slug}.txt"'
    return response
