"""The page after requesting a link: where to look for the email, and the field for its code."""

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portico.domain.access.models import SignInRequest
from portico.domain.access.sign_in import sign_in_codes
from portico.domain.access.sign_in.requests import sign_in_requests
from portico.plumbing.text.input_validation import CodeField
from portico.web import client_mismatch
from portico.web.entrance import completing_sign_in, out_of_date
from portico.web.guards import open_page
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest


class CodeForm(forms.Form):
    """Accepts any text: the operation ignores case, spaces and dashes."""

    use_required_attribute = False

    code = CodeField(
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("From the email we just sent. 6 letters and digits, like K7M 4QX."),
        error_messages={"required": gettext_lazy("Enter the code from the email.")},
        widget=forms.TextInput(
            {
                "class": "code-entry",
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "placeholder": "••••••",
            }
        ),
    )


@open_page
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Shows the same page whether or not the address is known; another one to a browser that requested no link."""
    key = ip_and_browser.request_cookie_of(request)
    if request.method == "POST":
        return _enter_code(request, key) if key else _not_requested_here(request, status=422)
    sign_in_request = sign_in_requests.latest(request.practice, key) if key else None
    return _page(request, sign_in_request, CodeForm()) if sign_in_request is not None else _not_requested_here(request)


def _enter_code(request: OpenRequest, key: str) -> HttpResponse:
    """Signs in with a code that was sent to the address on the form's page, even if another was requested since."""
    sign_in_request = sign_in_requests.find_by_name(request.practice, key, request.POST.get(client_mismatch.FIELD, ""))
    if sign_in_request is None:
        return out_of_date.page(request)
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _page(request, sign_in_request, form, status=422)
    browser = ip_and_browser.browser_from(request)
    started = sign_in_codes.enter(
        request.practice,
        form.cleaned_data["code"],
        browser_key=key,
        mailbox_key=sign_in_request.mailbox_key,
        visitor=browser,
    )
    if started is None:
        form.add_error("code", _("That code doesn’t match. Check our latest email and try again, or get a new code."))
        return _page(request, sign_in_request, form, status=422)
    return completing_sign_in.complete_sign_in(request, started, browser)


def _not_requested_here(request: OpenRequest, *, status: int = 200) -> HttpResponse:
    return render(request, "entrance/code/elsewhere.html", {"practice": request.practice}, status=status)


def _page(request: OpenRequest, sign_in_request: SignInRequest, form: CodeForm, *, status: int = 200) -> HttpResponse:
    context = {
        "practice": request.practice,
        "form": form,
        "sign_in_request": sign_in_request,
        "subject": sign_in_requests.name_of(sign_in_request),
        "sender": settings.EMAIL_FROM,
        "next": sign_in_request.goes_to,
    }
    return render(request, "entrance/code/show.html", context, status=status)
