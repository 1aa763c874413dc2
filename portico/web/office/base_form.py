"""Base class and fields of the office's forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.plumbing.refusals import Refused
from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.input_validation import AddressWidget, LineField, TextField, holds_card_number

TOO_LONG = gettext_lazy("Enter at most %(limit_value)d characters. You entered %(show_value)d.")
DJANGO_REQUIRED = forms.Field.default_error_messages["required"]
UNASSISTED = {"autocomplete": "off"}


class OfficeForm(forms.Form):
    """Leaves validation to the server: no `required` or `maxlength`, with which a browser cuts pasted text.

    The error of an empty required field names the field, unless the field has its own message.
    """

    use_required_attribute = False
    _refusal_status: HTTPStatus | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    def full_clean(self) -> None:
        for field in self.fields.values():
            if field.required and field.error_messages["required"] == DJANGO_REQUIRED:
                field.error_messages["required"] = required_message(field)
        super().full_clean()

    @property
    def page_status(self) -> HTTPStatus:
        """The status of the page that shows the form."""
        return self._refusal_status or (HTTPStatus.UNPROCESSABLE_CONTENT if self.errors else HTTPStatus.OK)

    def refused(self, refusal: Refused) -> Self:
        """Adds the refusal of the form's operation, to its field if the form has that; returns the form."""
        self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))
        self._refusal_status = HTTPStatus(refusal.status)
        return self

    def values(self) -> dict[str, Any]:  # Any: field values.
        """Returns the current values of all fields, valid or not, without card numbers."""
        return {name: _without_card_number(self[name].value()) for name in self.fields}


def posted(request: HttpRequest) -> QueryDict | None:
    """Returns the data for a form: None for a page that is only shown."""
    return request.POST if request.method == "POST" else None


def posted_number(request: HttpRequest, name: str) -> int | None:
    """Returns the whole number of a hidden field, from 0; None if it can't be read."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


@contextmanager
def refusing_malformed_address() -> Iterator[None]:
    """Turns an error of the block, which parses an email address, into the form's."""
    try:
        yield
    except (ValueError, ValidationError) as error:
        raise ValidationError(_("Enter a complete email address, like ana@example.com.")) from error


class WholeNumberField(forms.IntegerField):
    """Accepts full-width digits and grouped thousands: 2, ２, 1,000. A card number comes back empty."""

    def to_python(self, value: Any) -> int | None:  # Any: Django passes what was posted.
        return super().to_python(_without_grouping(ascii_forms(value)) if isinstance(value, str) else value)

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above; the value that the page shows again.
        return _without_card_number(super().bound_data(data, initial))


def _without_grouping(number: str) -> str:
    text = " ".join(number.split())
    return re.sub("[, ]", "", text) if re.fullmatch(r"[0-9]{1,3}(?:[, ][0-9]{3})+", text) else text


def required_message(field: forms.Field) -> str:
    """Returns the error of an empty field, such as "Enter a first name."; the office is in English only."""
    label = str(field.label)
    name = f"{'an' if label[0] in 'AEIOU' else 'a'} {label[0].lower()}{label[1:]}"
    text = _("Choose %(name)s.") if isinstance(field, forms.ChoiceField) else _("Enter %(name)s.")
    return text % {"name": name}


def line_field(
    label: Any,
    *,
    longest: int,
    required: bool = False,
    is_phone: bool = False,
    attrs: dict[str, str] | None = None,
) -> LineField:
    """Returns a field for one line of text, without autocomplete: staff type other people's details."""
    return LineField(
        is_phone=is_phone,
        label=label,
        max_length=longest,
        required=required,
        widget=forms.TextInput(attrs=UNASSISTED | (attrs or {})),
        error_messages={"max_length": TOO_LONG},
    )


def address_field(label: Any, *, required: bool = False) -> LineField:
    """Returns a field for one email address, which the form checks.

    Its type is not "email": Chromium rewrites some addresses and refuses some valid ones.
    """
    field = line_field(label, longest=254, required=required)
    field.widget = AddressWidget(UNASSISTED)
    return field


def text_field(label: Any, *, longest: int, rows: int, **attrs: str) -> TextField:  # Any: plain or lazy text.
    """Returns a field for several lines of text."""
    return TextField(
        label=label,
        max_length=longest,
        required=False,
        widget=forms.Textarea(attrs={"rows": str(rows)} | attrs),
        error_messages={"max_length": TOO_LONG},
    )


def _without_card_number(value: Any) -> Any:  # Any: a field's value.
    """Returns the value, or an empty string for a card number: fields hold any text until they are validated."""
    return "" if isinstance(value, str) and holds_card_number(value) else value
