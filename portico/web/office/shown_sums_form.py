"""Base class of forms that change amounts: they contain the amounts that their page shows."""

from typing import Any

from portico.domain.billing import shown_sums
from portico.domain.billing.shown_sums import ShownSums, ShownSumsChanged
from portico.web.office import shown_sums_field
from portico.web.office.base_form import OfficeForm


class ShowingForm(OfficeForm):
    """`now` are the amounts that the page around the form shows."""

    shown = shown_sums_field.ShownField(required=False)

    def __init__(self, *args: Any, now: ShownSums, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        self.now = self.fields[shown_sums_field.NAME].initial = now

    def _post_clean(self) -> None:
        """Adds the error that the amounts have changed to a form that is invalid for another reason."""
        super()._post_clean()  # type: ignore[misc]  # Django's hook for children of forms; its types leave it out.
        if self.errors:
            try:
                shown_sums.refuse_if_changed(shown_sums_field.read(self.data.get(shown_sums_field.NAME)), self.now)
            except ShownSumsChanged as refusal:
                self.add_error(None, str(refusal))
