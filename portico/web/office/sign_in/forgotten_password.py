"""`Forgot your password?`: requests a reset link, with the same response for every address."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.practices.models import RESET_LINK_TTL
from portico.domain.practices.staff import password_reset
from portico.plumbing.mail import rendering
from portico.plumbing.text import input_validation
from portico.web.guards import office_sign_in_page
from portico.web.http import ip_and_browser
from portico.web.office.sign_in.password_sign_in import StaffEmailForm, only_practice


class ForgottenPasswordForm(StaffEmailForm):
    """Validates the address only; the response never reveals whether it is known."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if input_validation.is_unstorable(email):
            raise forms.ValidationError(_("Enter a complete email address, like ana@example.com."))
        return email


@office_sign_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ForgottenPasswordForm())
    form = ForgottenPasswordForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    password_reset.request_reset(form.cleaned_data["email"], ip=ip_and_browser.ip_of(request))
    return redirect("office:forgotten_sent")


@office_sign_in_page
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """Shows the same page for every address."""
    context = {"practice": only_practice(), "link_works_for": rendering.duration(RESET_LINK_TTL)}
    return render(request, "office/forgotten/sent.html", context)


def _page(request: HttpRequest, form: ForgottenPasswordForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "practice": only_practice()}
    return render(request, "office/forgotten/ask.html", context, status=status)
