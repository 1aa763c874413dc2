"""Recovery codes, shown once: to the session that made them, until the person says that they are saved."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.practices import recovery_codes
from portico.web import proofs, returning
from portico.web.guards import office_step
from portico.web.requests import OfficeRequest


@office_step
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    if not proofs.has_unseen_codes(request.session):
        return returning.onward(request)
    if request.method == "POST":
        proofs.codes_seen(request.session)
        return returning.onward(request)
    context = {
        "codes": recovery_codes.unused(request.staff),
        "are_first": proofs.codes_are_first(request.session),
        "here": returning.carried(request, request.path),
    }
    return render(request, "office/recovery_codes.html", context)


@office_step
@require_safe
def as_text(request: OfficeRequest) -> HttpResponse:
    """The same as a file."""
    if not proofs.has_unseen_codes(request.session):
        return redirect("office:recovery_codes")
    context = {"codes": recovery_codes.unused(request.staff)}
    answer = render(request, "office/recovery_codes.txt", context, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="recovery-codes-{request.practice.slug}.txt"'
    return answer
