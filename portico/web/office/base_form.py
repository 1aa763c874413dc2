"""What the office's forms have in common: nothing typed is cut or lost by the browser."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.input_validation import LineField, holds_card_number

TOO_LONG = _("At most %(limit_value)d characters. This has %(show_value)d.")
UNASSISTED = {"autocomplete": "off"}


class OfficeForm(forms.Form):
    """The server says what is missing or too long; the browser would stop the typing or say it in its own words."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    def values(self) -> dict[str, Any]:  # Any: whatever each widget makes of what was typed.
        """What stands in the form, typed or given, right or wrong; a card number nowhere."""
        return {name: _cardless(self[name].value()) for name in self.fields}


class WholeNumberField(forms.IntegerField):
    """A whole number as people type it: 2, ２, 1,000."""

    def to_python(self, value: Any) -> int | None:  # Any: Django hands over whatever was posted.
        return super().to_python(_ungrouped(ascii_forms(value)) if isinstance(value, str) else value)


def _ungrouped(number: str) -> str:
    plain = " ".join(number.split())
    return re.sub("[, ]", "", plain) if re.fullmatch(r"[0-9]{1,3}(?:[, ][0-9]{3})+", plain) else plain


def line_field(
    label: Any,
    *,
    longest: int,
    required: bool = False,
    is_phone: bool = False,
    attrs: dict[str, str] | None = None,
) -> LineField:
    """A line of text that a browser fills in by itself only by mistake: it is somebody else's."""
    return LineField(
        is_phone=is_phone,
        label=label,
        max_length=longest,
        required=required,
        widget=forms.TextInput(attrs=UNASSISTED | (attrs or {})),
        error_messages={"max_length": TOO_LONG, "required": _("This is needed.")},
    )


def _cardless(value: Any) -> Any:  # Any: a field's value.
    """Fields for numbers and days take any text until they are judged."""
    return "" if isinstance(value, str) and holds_card_number(value) else value
