"""The forms of the portal's pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing.models import SavedCard

NEW = "new"
SAVE_CARD = gettext_lazy("Save Card")
SAVE_CARD_HINT = gettext_lazy("For next time. We only use it when you press Pay Now, and you can remove it any time.")


class PayForm(forms.Form):
    """With which card; `amount` is what the page showed, in minor units, and must still be what is to pay."""

    # Named by the button too: without style sheets both stand on the page.
    pay = forms.CharField(required=False)
    save_card = forms.BooleanField(required=False)
    amount = forms.IntegerField(required=False)

    def __init__(self, *args: Any, saved: list[SavedCard], may_save: bool, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        self.saved = saved
        self.may_save = may_save
        chosen = self.data.get("with", "") if self.is_bound else ""
        self.chosen = chosen or (saved[0].ref if saved else NEW)
        self.wants_to_save = bool(self.data.get("save_card")) if self.is_bound else False

    @property
    def card(self) -> SavedCard | None:
        """None: a new card, on Stripe's page."""
        return next((card for card in self.saved if card.ref == self.chosen), None)

    @property
    def consent_text(self) -> str:
        """What was read beside the box that was ticked; empty when it was not, or may not be."""
        if not (self.cleaned_data["save_card"] and self.may_save) or self.card is not None:
            return ""
        return f"{SAVE_CARD}. {SAVE_CARD_HINT}"

    def clean(self) -> dict[str, Any] | None:  # Any: Django's own.
        if self.cleaned_data.get("pay") == NEW:
            self.chosen = NEW
        if self.chosen != NEW and self.card is None:
            raise forms.ValidationError(_("This card is no longer saved. Choose another one. Nothing was charged."))
        return super().clean()
