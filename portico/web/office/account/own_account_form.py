"""Forms of a staff member's own account."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portico.plumbing.text.input_validation import StaffAddressField
from portico.plumbing.text.mailboxes import header_address
from portico.web.office.base_form import OfficeForm, line_field


class OwnDetailsForm(OfficeForm):
    name = line_field(_("Name"), longest=100, required=True, attrs={"autocomplete": "name"})
    email = StaffAddressField(
        label=_("Email"),
        max_length=254,
        help_text=_("You sign in with it. A change is told to the old address."),
        widget=forms.EmailInput({"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("This is needed.")},
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if "email" not in self.changed_data:
            return email
        try:
            header_address(email)
        except ValueError as error:
            raise ValidationError(
                _("This doesn’t look like an email address. It needs a name, an @ and a domain, like ana@example.com.")
            ) from error
        return email


class OwnPasswordForm(OfficeForm):
    password = forms.CharField(
        label=_("Password you have now"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": _("This is needed.")},
    )
    new_password = forms.CharField(
        label=_("New password"),
        max_length=1000,
        strip=False,
        help_text=_("At least 12 characters. Four or five words work well."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": _("This is needed.")},
    )
