"""The form of `Pay Now`."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from portico.domain.billing.models import SavedCard

NEW_CARD = "new"
SAVE_CARD = gettext_lazy("Save Card")
SAVE_CARD_HINT = gettext_lazy("For next time. We only use it when you press Pay Now, and you can remove it any time.")
CARD_GONE = gettext_lazy("This card is no longer saved. Choose another one. Nothing was charged.")


class PayForm(forms.Form):
    """Chooses the card. `amount` and `shown` are what the page showed, compared with what is due at submission.

    `saved_fields` prefills the form with choices made before the session ended.
    """

    # "new" from the second button, which pays with a new card.
    pay = forms.CharField(required=False)
    save_card = forms.BooleanField(required=False)
    amount = forms.IntegerField(required=False)
    # Digest of the invoices on the page and the open amount of each.
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        saved: list[SavedCard],
        may_save: bool,
        saved_fields: QueryDict | None = None,
    ) -> None:
        super().__init__(data)
        choices = data or saved_fields or QueryDict()
        first = saved[0].ref if saved else NEW_CARD
        self.saved = saved
        self.may_save = may_save
        self.chosen = NEW_CARD if choices.get("pay") == NEW_CARD else choices.get("with") or first
        self.wants_to_save = bool(choices.get("save_card"))
        self.has_lost_card = self.chosen != NEW_CARD and self.card is None
        if self.has_lost_card and not self.is_bound:
            self.chosen = first

    @property
    def card(self) -> SavedCard | None:
        """Returns the chosen saved card; None for a new card, which is entered on Stripe's page."""
        return next((card for card in self.saved if card.ref == self.chosen), None)

    @property
    def consent_text(self) -> str:
        """Returns the text of the ticked consent box; empty if it was not ticked or not offered."""
        if not (self.cleaned_data["save_card"] and self.may_save) or self.card is not None:
            return ""
        return f"{SAVE_CARD}. {SAVE_CARD_HINT}"

    def clean(self) -> dict[str, Any] | None:  # Any: Django's own.
        if self.has_lost_card:
            raise forms.ValidationError(CARD_GONE)
        return super().clean()
