"""Formsets of a client's email addresses and phone numbers."""

from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients import email_typos
from portico.domain.clients.client_input import AddressInput, PhoneInput
from portico.domain.clients.models import AddressKind, EmailAddress, PhoneKind
from portico.plumbing.text.mailboxes import mailbox_key
from portico.web.office.base_form import OfficeForm, address_field, line_field, refusing_malformed_address

MAX_ROWS = 20
ADDRESSES, PHONES = "addresses", "phones"


class AddressForm(OfficeForm):
    """One address. `id` is the ref of the saved row, empty for a new one. An empty new row is ignored."""

    id = forms.CharField(required=False, max_length=26, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=gettext_lazy("Type"), choices=AddressKind.choices, initial=AddressKind.HOME)
    address = address_field(gettext_lazy("Email"))
    email_ok = forms.BooleanField(label=gettext_lazy("Email ok"), required=False)
    # The address for which `Email ok` is checked: consent to the old address is none to a new one. Our script clears
    # the box and sets this field when another address is typed.
    ok_for = forms.CharField(required=False, max_length=254, widget=forms.HiddenInput)

    # Set by the view: the saved row, and whether the client signs in with it.
    standing: EmailAddress | None = None
    signs_in = False

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if not address:
            if self["id"].value():
                raise ValidationError(_("Enter an email address, or remove this row."))
            return ""
        with refusing_malformed_address():
            mailbox_key(address)
        return address

    @property
    def has_outdated_ok(self) -> bool:
        """Returns True if `Email ok` was checked for the address that the form opened with, and another was typed."""
        cleaned = self.cleaned_data
        is_other = cleaned["ok_for"].strip().lower() not in {"", cleaned.get("address", "").lower()}
        return bool(cleaned.get("email_ok")) and is_other

    @property
    def suggestion(self) -> str | None:
        """A correction of a likely typo in the address, if any."""
        return suggestion_for(self["address"].value())

    @property
    def entry(self) -> AddressInput | None:
        if not self.cleaned_data.get("address"):
            return None
        return AddressInput(
            address=self.cleaned_data["address"],
            kind=self.cleaned_data["kind"],
            email_ok=self.cleaned_data["email_ok"] and not self.has_outdated_ok,
            ref=self.cleaned_data["id"] or None,
        )


class PhoneForm(OfficeForm):
    """One phone number, parsed as one of the practice's country unless it has a country code."""

    kind = forms.ChoiceField(label=gettext_lazy("Type"), choices=PhoneKind.choices, initial=PhoneKind.MOBILE)
    number = line_field(gettext_lazy("Phone"), longest=40, is_phone=True, attrs={"inputmode": "tel"})

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:  # Any: Django's own signature.
        self.country = country
        super().__init__(*args, **kwargs)

    def clean_number(self) -> str:
        typed: str = self.cleaned_data["number"]
        return e164(typed, self.country) if typed else ""

    @property
    def entry(self) -> PhoneInput | None:
        if not self.cleaned_data.get("number"):
            return None
        return PhoneInput(number=self.cleaned_data["number"], kind=self.cleaned_data["kind"])


def suggestion_for(typed: object) -> str | None:
    """Returns a correction of a likely typo in an address, if any."""
    return email_typos.suggestion(str(typed or "").strip())


def e164(typed: str, country: str) -> str:
    """Returns the number in E.164 format. Raises ValidationError for an impossible number."""
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValidationError(
            _("Enter a complete phone number. For other countries, start with + and the country code.")
        )
    if number.extension:
        raise ValidationError(_("Enter the number without the extension."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def written(number: str, country: str) -> str:
    """Returns a stored number in the format of `country`, which `e164` parses back to the same number."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    is_national = parsed.country_code == phonenumbers.country_code_for_region(country)
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if is_national else style.INTERNATIONAL)


if TYPE_CHECKING:
    _Rows = forms.BaseFormSet[Any]  # Any: of either form.
else:
    _Rows = forms.BaseFormSet


class Rows(_Rows):
    """A formset without extra rows."""

    default_error_messages = {"missing_management_form": gettext_lazy("The form was incomplete. Please try again.")}


AddressRows = forms.formset_factory(AddressForm, formset=Rows, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS)
PhoneRows = forms.formset_factory(PhoneForm, formset=Rows, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS)
