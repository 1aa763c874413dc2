"""The sums that an office page shows, in a hidden field of each form that acts on them."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portico.domain.billing import shown_sums
from portico.domain.billing.shown_sums import ShownSums

NAME = "shown"


class ShownField(forms.Field):
    """Reads what the page showed when it was opened, and draws what the page shows now."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> ShownSums:  # Any: Django's own signature.
        return read(value)

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above.
        # A page that is shown again shows the present sums, so its form carries those.
        return initial


def of(request: HttpRequest) -> ShownSums:
    """What the page of a single button showed."""
    return read(request.POST.get(NAME))


def read(value: object) -> ShownSums:
    """What a form of ours posted. Anything else shows no sums, and is refused by every operation."""
    text = value if isinstance(value, str) else ""
    return ShownSums(text if len(text) <= shown_sums.MAX_LENGTH else "")
