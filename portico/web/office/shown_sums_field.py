"""The hidden form field with the amounts that an office page shows."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portico.domain.billing import shown_sums
from portico.domain.billing.shown_sums import ShownSums

NAME = "shown"


class ShownField(forms.Field):
    """Reads the amounts that the page showed when it was opened, and renders those that it shows now."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> ShownSums:  # Any: Django's own signature.
        return read(value)

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above.
        # A page that is shown again shows current amounts, so its form must have those.
        return initial


def of(request: HttpRequest) -> ShownSums:
    """Returns the amounts posted by a form that is just a button."""
    return read(request.POST.get(NAME))


def read(value: object) -> ShownSums:
    """Parses a posted value. A malformed one becomes empty, which every operation refuses."""
    text = value if isinstance(value, str) else ""
    return ShownSums(text if len(text) <= shown_sums.MAX_LENGTH else "")
