"""A staff member's own account page: name, email, password, second factor and sessions."""

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portico.domain.practices.staff import own_account, password_attempts, second_factor
from portico.domain.practices.staff.staff_creation import EmailTaken
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.plumbing.text.input_validation import AddressWidget, StaffAddressField
from portico.plumbing.text.mailboxes import header_address
from portico.web.guards import office_page
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OfficeRequest
from portico.web.office.account import own_factors
from portico.web.office.base_form import OfficeForm, line_field, refusing_malformed_address
from portico.web.office.sign_in import identity_check
from portico.web.office.sign_in.reauthentication import recently_verified


class OwnDetailsForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=100, required=True, attrs={"autocomplete": "name"})
    email = StaffAddressField(
        label=gettext_lazy("Email"),
        max_length=254,
        help_text=gettext_lazy("You sign in with this address. If you change it, we notify the old address."),
        widget=AddressWidget({"type": "email", "autocomplete": "email"}),
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if "email" not in self.changed_data:
            return email
        with refusing_malformed_address():
            header_address(email)
        return email


class OwnPasswordForm(OfficeForm):
    password = forms.CharField(
        label=gettext_lazy("Current password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Enter your current password.")},
    )
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        max_length=1000,
        strip=False,
        help_text=gettext_lazy("At least 12 characters. Four or five words work well."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


@office_page()
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    context = {
        "factors": own_factors.factors_of(second_factor.authenticators_of(request.staff)),
        "sessions": own_account.sessions(request.staff),
        "own_session": request.session.row,
    }
    return render(request, "office/account/show.html", context)


@office_page()
@recently_verified
@require_http_methods(["GET", "HEAD", "POST"])
def edit_details(request: OfficeRequest) -> HttpResponse:
    form = OwnDetailsForm(request.POST or None, initial={"name": request.staff.name, "email": request.staff.email})
    if request.method != "POST":
        return render(request, "office/account/details.html", {"form": form})
    if form.is_valid():
        try:
            own_account.change_details(request.staff, **form.cleaned_data, by=request.actor)
        except EmailTaken as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("office:account")
    return render(request, "office/account/details.html", {"form": form}, status=422)


@office_page()
@sensitive_post_parameters("password", "new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: OfficeRequest) -> HttpResponse:
    """Changes the password after checking the old one, and ends all other sessions."""
    if request.method != "POST":
        return render(request, "office/account/password.html", {"form": OwnPasswordForm()})
    form = OwnPasswordForm(request.POST)
    if form.is_valid():
        try:
            if _change_password(request, form):
                messages.success(request, _("Your password was changed. You were signed out on all other devices."))
                return redirect("office:account")
        except RateLimitExceeded as error:
            form.add_error("password", identity_check.rate_limit_message(error))
            return render(request, "office/account/password.html", {"form": form}, status=429)
    return render(request, "office/account/password.html", {"form": form}, status=422)


@office_page()
@require_POST
def end_session(request: OfficeRequest, ref: str) -> HttpResponse:
    session = get_object_or_404(request.staff.sessions, ref=ref)
    own_account.end_session(request.staff, session, by=request.actor)
    return redirect("office:account")


@office_page()
@require_POST
def end_other_sessions(request: OfficeRequest) -> HttpResponse:
    own_account.end_other_sessions(request.staff, request.session.row, by=request.actor)
    messages.success(request, _("You were signed out on all other devices."))
    return redirect("office:account")


def _change_password(request: OfficeRequest, form: OwnPasswordForm) -> bool:
    """Returns True if the password was changed, else adds an error to the form. Raises RateLimitExceeded."""
    cleaned = form.cleaned_data
    if not password_attempts.check_again(request.staff, cleaned["password"], ip=ip_and_browser.ip_of(request)):
        form.add_error("password", _("That password is incorrect. Try again."))
        return False
    try:
        changed = own_account.change_password(
            request.staff, cleaned["new_password"], session=request.session.row, by=request.actor
        )
    except ValidationError as error:
        form.add_error("new_password", error)
        return False
    # A session contains a hash of the password: update it, or this session would end too.
    update_session_auth_hash(request, changed)
    return True
