"""Staff sign-in with a password, and sign-out."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import password_attempts
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.plumbing.text.input_validation import AddressWidget, StaffAddressField
from portico.web import redirects
from portico.web.guards import office_sign_in_page
from portico.web.http import cookies, ip_and_browser
from portico.web.office.base_form import OfficeForm
from portico.web.office.sign_in import completing_sign_in


class StaffEmailForm(OfficeForm):
    """Takes the email of a staff member; does not look it up."""

    email = StaffAddressField(
        label=gettext_lazy("Email"),
        max_length=254,
        widget=AddressWidget({"type": "email", "autocomplete": "username"}),
    )


class SignInForm(StaffEmailForm):
    """Takes email and password; checks neither."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


@office_sign_in_page
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Signs in; redirects staff who are signed in already."""
    if isinstance(request.user, StaffMember):
        return redirect(redirects.office_landing(request, request.user))
    if request.method != "POST":
        return _page(request, SignInForm())
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    return _check_password(request, form)


@office_sign_in_page
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and clears the browser's cache, so that the Back button shows nothing."""
    with transaction.atomic():
        if isinstance(request.user, StaffMember):
            password_attempts.record_sign_out(request.user)
        get_adapter().logout(request)
    response = redirect(f"{settings.LOGIN_URL}?signed-out")
    # Not "cookies": that would also delete a client session of the same origin.
    response["Clear-Site-Data"] = '"cache", "storage"'
    cookies.delete_cookie(response, settings.SESSION_COOKIE_NAME)
    return response


def _check_password(request: HttpRequest, form: SignInForm) -> HttpResponse:
    email, password = form.cleaned_data["email"], form.cleaned_data["password"]
    try:
        password_attempts.reserve_attempt(email, ip=ip_and_browser.ip_of(request))
    except RateLimitExceeded:
        password_attempts.record_refused(email, beyond_limit=True)
        form.add_error("password", _("Too many attempts. Wait five minutes, then try again."))
        return _page(request, form, status=429)
    login = LoginForm({"login": email, "password": password}, request=request)
    if not login.is_valid():
        password_attempts.record_refused(email, beyond_limit=False)
        # The same for a wrong password, an unknown address and staff who have left.
        form.add_error("password", _("That email and password don’t match. Check both and try again."))
        return _page(request, form, status=422)
    password_attempts.refund_attempt(email, ip=ip_and_browser.ip_of(request))
    # Not LoginForm.login: its next steps would redirect to allauth's pages.
    completing_sign_in.by_password(request, login.user)
    return redirect(redirects.office_landing(request, login.user))


def only_practice() -> Practice | None:
    """Returns the practice to name on the sign-in page; None if there are several."""
    practices = Practice.objects.order_by("id")[:2]
    return practices[0] if len(practices) == 1 else None


def _page(request: HttpRequest, form: SignInForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "practice": only_practice(),
        "ended": request.GET.get("ended", ""),
        "kept": "kept" in request.GET,
        "changed": "changed" in request.GET,
        "signed_out": "signed-out" in request.GET,
        "demo": settings.DEMO_GUIDE,
        "idle_minutes": settings.SESSION_IDLE_STAFF // 60,
    }
    return render(request, "office/sign_in.html", context, status=status)
