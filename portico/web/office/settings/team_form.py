"""Forms for inviting staff and changing their role."""

from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy

from portico.domain.practices.models import Role
from portico.plumbing.text.mailboxes import header_address
from portico.web.office.base_form import EMAIL_ENTRY, OfficeForm, line_field, refusing_malformed_address


class InviteForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=100, required=True)
    email = line_field(gettext_lazy("Email"), longest=254, required=True, attrs=EMAIL_ENTRY)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.FRONT_DESK)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        with refusing_malformed_address():
            header_address(email)
            validate_email(email)
        return email

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class VersionForm(forms.Form):
    """The staff member's version when the page was rendered; an invalid one counts as 0, which matches none."""

    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    @property
    def seen(self) -> int:
        return int(self.cleaned_data["version"]) if self.is_valid() else 0


class RoleForm(VersionForm):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        return {"version": 0} | cleaned
