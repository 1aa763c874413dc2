"""The lines of a draft invoice as forms: up to 60."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing.invoices.invoice_input import LineInput
from portico.domain.billing.models import ServiceItem
from portico.domain.practices.models import Practice
from portico.plumbing.text import money
from portico.web.date_fields import DayField, use_order_of
from portico.web.office.base_form import UNASSISTED, OfficeForm, WholeNumberField, line_field
from portico.web.office.billing.payment_forms import MoneyField, money_field

MAX_LINES = 60


class LineForm(OfficeForm):
    """One line. An empty one is ignored; the chosen product or service fills in the fields left empty."""

    item = forms.ChoiceField(label=gettext_lazy("Product or service"), required=False)
    given_on = DayField(label=gettext_lazy("Date"), required=False)
    label = line_field(gettext_lazy("Description"), longest=150, attrs={"placeholder": "What is this for?"})
    quantity = WholeNumberField(
        label=gettext_lazy("Quantity"),
        required=False,
        min_value=1,
        max_value=9999,
        widget=forms.TextInput(attrs=UNASSISTED | {"inputmode": "numeric", "placeholder": "1"}),
        error_messages={"invalid": gettext_lazy("Enter a whole number, such as 1.")},
    )
    price = MoneyField(label=gettext_lazy("Price"), required=False, may_be_negative=True)

    def __init__(
        self, *args: Any, practice: Practice, items: list[ServiceItem], language: str, **kwargs: Any
    ) -> None:  # Any: Django's.
        super().__init__(*args, **kwargs)
        use_order_of(practice.country, self)
        self.items, self.language = {item.ref: item for item in items}, language
        item_field = cast(forms.ChoiceField, self.fields["item"])
        choices = [(item.ref, f"{item.code} · {item.label}") for item in items]
        item_field.choices = [("", _("Product or service…")), *choices]
        price = money_field(self, "price")
        price.currency = self.currency = practice.currency
        price.widget.attrs["placeholder"] = money.plain_decimal(0, practice.currency)

    def clean(self) -> dict[str, Any]:  # Any: Django's own.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_filled or self.errors:
            return cleaned
        item = self.items.get(cleaned["item"])
        if item is None and not cleaned["label"]:
            self.add_error("label", _("Enter a description."))
        if item is None and cleaned["price"] is None:
            self.add_error("price", _("Enter a price, such as 140.00."))
        return cleaned

    @property
    def is_filled(self) -> bool:
        return any(self.cleaned_data.get(name) not in (None, "") for name in ("item", "label", "price", "given_on"))

    @property
    def entry(self) -> LineInput | None:
        cleaned = self.cleaned_data
        if not self.is_filled:
            return None
        item = self.items.get(cleaned["item"])
        price = cleaned["price"]
        return LineInput(
            label=cleaned["label"] or (item.label_in(self.language) if item else ""),
            unit_minor=price if price is not None else (item.price_minor if item else 0),
            quantity=cleaned["quantity"] or 1,
            given_on=cleaned["given_on"],
            item=item,
        )

    @property
    def amount(self) -> str:
        """Returns the line's amount for display, "0.00" if it cannot be parsed; saving computes it again.

        Without a price, that of the chosen product or service counts, as it does when the line is saved.
        """
        price, item = str(self["price"].value() or ""), self.items.get(str(self["item"].value()))
        try:
            quantity = self.fields["quantity"].clean(self["quantity"].value())
            minor = item.price_minor if item is not None and not price else money.parsed(price, self.currency)
        except (ValidationError, money.InvalidAmount):
            quantity, minor = 1, 0
        return money.formatted(minor * (1 if quantity is None else quantity), self.currency, language="en")


if TYPE_CHECKING:
    _LineFormSet = forms.BaseFormSet[LineForm]
else:
    _LineFormSet = forms.BaseFormSet


class LineFormSet(_LineFormSet):
    default_error_messages = {"missing_management_form": gettext_lazy("The form was incomplete. Please try again.")}


LineForms = forms.formset_factory(LineForm, formset=LineFormSet, extra=0, max_num=MAX_LINES, absolute_max=MAX_LINES)
