"""Forms for inviting staff and changing their role."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.practices.models import Role
from portico.plumbing.text.mailboxes import header_address
from portico.web.office.base_form import OfficeForm, line_field


class InviteForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=100, required=True)
    email = line_field(
        gettext_lazy("Email"),
        longest=254,
        required=True,
        attrs={"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"},
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.FRONT_DESK)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        try:
            header_address(email)
            validate_email(email)
        except (ValueError, ValidationError) as malformed:
            raise ValidationError(
                _("This doesn’t look like an email address. It needs a name, an @ and a domain, like ana@example.com.")
            ) from malformed
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
