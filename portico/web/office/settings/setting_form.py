"""The form of a single setting, which keeps what another owner has saved since the page was opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import messages
from django.utils.translation import gettext as _

from portico.domain.practices.practice_settings import SettingsConflict
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm


class SettingForm(OfficeForm):
    """The options of a setting, in the field `choice_field`. `shown` is the setting that the page was opened with."""

    choice_field = ""
    # Without an id: a page has several of these forms.
    shown = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput({"id": False}))

    @property
    def chosen_labels(self) -> str:
        """Returns the labels of the chosen options, such as "3 days after sharing, 7 days after sharing"."""
        field: Any = self.fields[self.choice_field]  # Any: for one choice or several.
        options = dict(field.choices)
        chosen = self.cleaned_data[self.choice_field]
        return ", ".join(str(options[value]) for value in (chosen if isinstance(chosen, list) else [chosen]))


@contextmanager
def show_conflict(request: OfficeRequest, form: SettingForm) -> Iterator[None]:
    """Turns a SettingsConflict of the block into an error message, which names what was chosen on the page."""
    try:
        yield
    except SettingsConflict:
        text = _(
            "Someone else changed this setting while you were editing, and the page now shows their choice. Yours was "
            "not saved: %(chosen)s."
        )
        messages.error(request, text % {"chosen": form.chosen_labels or _("nothing checked")})
