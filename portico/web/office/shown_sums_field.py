"""The hidden form field with the amounts that an office page shows, and the base class of forms that have it."""

from typing import Any

from django import forms
from django.http import HttpRequest

from portico.domain.billing import shown_sums
from portico.domain.billing.shown_sums import ShownSums, ShownSumsChanged
from portico.web.office.base_form import OfficeForm

NAME = "shown"


class ShownField(forms.Field):
    """Reads the amounts that the page showed when it was opened, and renders those that it shows now."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> ShownSums:  # Any: Django's own signature.
        return read(value)

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above.
        # A page that is shown again shows current amounts, so its form must have those.
        return initial


class ShowingForm(OfficeForm):
    """A form that changes amounts. `now` are the amounts that the page around it shows."""

    shown = ShownField(required=False)

    def __init__(self, *args: Any, now: ShownSums, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        self.now = self.fields[NAME].initial = now

    def _post_clean(self) -> None:
        """Adds the error that the amounts have changed to a form that is invalid for another reason."""
        super()._post_clean()  # type: ignore[misc]  # Django's hook for children of forms; its types leave it out.
        if self.errors:
            try:
                shown_sums.refuse_if_changed(read(self.data.get(NAME)), self.now)
            except ShownSumsChanged as refusal:
                self.add_error(None, str(refusal))


def of(request: HttpRequest) -> ShownSums:
    """Returns the amounts posted by a form that is just a button."""
    return read(request.POST.get(NAME))


def read(value: object) -> ShownSums:
    """Parses a posted value. A malformed one becomes empty, which every operation refuses."""
    text = value if isinstance(value, str) else ""
    return ShownSums(text if len(text) <= shown_sums.MAX_LENGTH else "")
