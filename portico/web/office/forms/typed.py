"""What the office's forms have in common: nothing typed is cut or lost by the browser."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.plumbing.cleaning import LineField

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
        """What stands in the form, typed or given, right or wrong."""
        return {name: self[name].value() for name in self.fields}


def line(label: Any, *, longest: int, required: bool = False, attrs: dict[str, str] | None = None) -> LineField:
    """A line of text that a browser fills in by itself only by mistake: it is somebody else's."""
    return LineField(
        label=label,
        max_length=longest,
        required=required,
        widget=forms.TextInput(attrs=UNASSISTED | (attrs or {})),
        error_messages={"max_length": TOO_LONG, "required": _("This is needed.")},
    )
