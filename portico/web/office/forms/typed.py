"""What the office's forms have in common: nothing typed is cut or lost by the browser."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.plumbing.cleaning import LineField, holds_card_number

TOO_LONG = _("At most %(limit_value)d characters. This has %(show_value)d.")
UNASSISTED = {"autocomplete": "off"}


class TypedForm(forms.Form):
    """The server says what is missing or too long; the browser would stop the typing or say it in its own words."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    def values(self) -> dict[str, Any]:  # Any: whatever each widget makes of what was typed.
        """What stands in the form, typed or given, right or wrong; a card number nowhere."""
        return {name: _cardless(self[name].value()) for name in self.fields}


def line(
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
