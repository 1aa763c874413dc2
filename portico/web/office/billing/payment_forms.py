"""The field for amounts of money, and the forms for payments, credits, refunds, voiding and services."""

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing.models import MANUAL_KINDS, Invoice, PaymentKind
from portico.domain.billing.payments.manual_payments import InvoicePortion, PaymentInput
from portico.domain.billing.refusals import ExceedsPayment
from portico.domain.practices.models import Practice
from portico.plumbing.text import money
from portico.plumbing.text.input_validation import LineField
from portico.plumbing.text.money import InvalidAmount
from portico.web.date_fields import DayField, use_order_of
from portico.web.office import form_keys
from portico.web.office.base_form import UNASSISTED, line_field, text_field
from portico.web.office.shown_sums_field import ShowingForm

EARLIEST_DATE = date(2000, 1, 1)
OTHER = "other"
# The field for the part of a payment that is applied to one invoice is named by this and the invoice's ref.
OF_INVOICE = "invoice_"
RECORDED_BY_MISTAKE = gettext_lazy("Recorded by mistake")


class MoneyField(LineField):
    """Parses a typed amount into minor units; the form sets `currency`."""

    def __init__(
        self, *args: Any, may_be_negative: bool = False, **kwargs: Any
    ) -> None:  # Any: Django's own signature.
        self.currency = "USD"
        # The decimal keyboard of phones has no minus key.
        keyboard = {} if may_be_negative else {"inputmode": "decimal"}
        kwargs.setdefault("widget", forms.TextInput(attrs=UNASSISTED | keyboard))
        kwargs.setdefault("max_length", 40)
        super().__init__(*args, **kwargs)

    def clean(self, value: Any) -> Any:  # Any: Django's own; minor units, or None if empty.
        text = super().clean(value)
        if not text:
            return None
        try:
            return money.parsed(text, self.currency)
        except InvalidAmount as invalid:
            raise ValidationError(str(invalid)) from invalid


def money_field(form: forms.Form, name: str) -> MoneyField:
    return cast(MoneyField, form.fields[name])


def require_positive(minor: int | None) -> int:
    if minor is None or minor <= 0:
        raise ValidationError(_("Enter an amount greater than zero."))
    return minor


class AmountForm(ShowingForm):
    """An amount of money above zero, in `currency`."""

    amount = MoneyField(label=gettext_lazy("Amount"))
    form_key = form_keys.field()

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        money_field(self, "amount").currency = currency

    def clean_amount(self) -> int:
        return require_positive(self.cleaned_data["amount"])


class RecordPaymentForm(AmountForm):
    """A payment received outside Portico: check, cash or another.

    `open_invoices` get a field each for the part of the payment that is applied to them. So do `named`, the others
    that the posted form names: it is read as it was the first time, and the operation says what may happen.
    """

    kind = forms.ChoiceField(
        label=gettext_lazy("How was it paid?"),
        choices=[(kind.value, kind.label) for kind in MANUAL_KINDS],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose an option.")},
    )
    received_on = DayField(label=gettext_lazy("Received"))
    check_number = line_field(gettext_lazy("Check number"), longest=30)
    note = text_field(gettext_lazy("Note"), longest=500, rows=2, **UNASSISTED)
    email_receipt = forms.BooleanField(label=gettext_lazy("Email receipt"), required=False)

    field_order = ("kind", "amount")

    def __init__(
        self,
        *args: Any,
        practice: Practice,
        today: date,
        open_invoices: Iterable[Invoice] = (),
        named: Iterable[Invoice] = (),
        **kwargs: Any,
    ) -> None:  # Any: Django's own.
        super().__init__(*args, currency=practice.currency, **kwargs)
        self.today = today
        self.open_invoices = {f"{OF_INVOICE}{invoice.ref}": invoice for invoice in open_invoices}
        self.invoices = self.open_invoices | {f"{OF_INVOICE}{invoice.ref}": invoice for invoice in named}
        for name, invoice in self.invoices.items():
            self.fields[name] = MoneyField(
                label=_("Apply to invoice %(number)s") % {"number": invoice.number}, required=False
            )
            money_field(self, name).currency = practice.currency
        use_order_of(practice.country, self)

    def clean(self) -> dict[str, Any]:  # Any: Django's own.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.invoices:
            if (cleaned.get(name) or 0) < 0:
                self.add_error(name, _("Enter an amount of zero or more."))
        if sum(portion.amount_minor for portion in self.portions) > cleaned.get("amount", 0) and not self.errors:
            self.add_error("amount", str(ExceedsPayment.message))
        return cleaned

    @property
    def portions(self) -> tuple[InvoicePortion, ...]:
        """The amounts that were typed for single invoices, in an order that stays the same when some are paid."""
        typed = {invoice.pk: self.cleaned_data.get(name) for name, invoice in self.invoices.items()}
        return tuple(InvoicePortion(pk, amount) for pk, amount in sorted(typed.items()) if amount)

    @property
    def chosen_invoices(self) -> list[Invoice]:
        """The invoices for which an amount was typed."""
        return [invoice for name, invoice in self.invoices.items() if self.cleaned_data.get(name)]

    def applied_to(self) -> list[tuple[Invoice, forms.BoundField]]:
        """Returns the open invoices with their fields."""
        return [(invoice, self[name]) for name, invoice in self.open_invoices.items()]

    def clean_received_on(self) -> date:
        received_on: date = self.cleaned_data["received_on"]
        if not EARLIEST_DATE <= received_on <= self.today:
            raise ValidationError(_("This date is in the future or too far in the past. Check the date."))
        return received_on

    @property
    def entry(self) -> PaymentInput:
        cleaned = self.cleaned_data
        return PaymentInput(
            PaymentKind(cleaned["kind"]),
            cleaned["amount"],
            cleaned["received_on"],
            check_number=cleaned["check_number"],
            note=cleaned["note"],
            portions=self.portions,
            email_receipt=cleaned["email_receipt"],
        )


class ReasonForm(ShowingForm):
    """A reason: one of `reasons`, free text, or both."""

    why = forms.ChoiceField(label=gettext_lazy("Reason"), error_messages={"required": gettext_lazy("Choose a reason.")})
    words = line_field(gettext_lazy("Details"), longest=300)

    reasons: tuple[Any, ...] = ()  # Any: text, lazy or not.

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature.
        super().__init__(*args, **kwargs)
        choices = [(str(reason), reason) for reason in self.reasons]
        cast(forms.ChoiceField, self.fields["why"]).choices = [*choices, (OTHER, _("Other"))]

    def clean(self) -> dict[str, Any]:  # Any: Django's own.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("why") == OTHER and not cleaned.get("words"):
            self.add_error("words", _("Enter a reason. It stays on record."))
        return cleaned

    @property
    def reason(self) -> str:
        cleaned = self.cleaned_data
        if cleaned["why"] == OTHER:
            return str(cleaned["words"])
        return f"{cleaned['why']}. {cleaned['words']}" if cleaned["words"] else str(cleaned["why"])


class VoidForm(ReasonForm):
    reasons = (
        gettext_lazy("Created by mistake"),
        gettext_lazy("Wrong price"),
        gettext_lazy("Replaced by another invoice"),
    )
    copy_to_draft = forms.BooleanField(label=gettext_lazy("Copy to a new draft"), required=False)


class TakeBackForm(ReasonForm):
    reasons = (gettext_lazy("The check bounced"), RECORDED_BY_MISTAKE)


class ReleaseForm(ReasonForm):
    reasons = (
        gettext_lazy("Payment not found in Stripe"),
        gettext_lazy("Resolved in Stripe"),
    )


class RefundForm(AmountForm, ReasonForm):
    """Amount and reason of a refund; the operation checks that so much is left."""

    reasons = (
        gettext_lazy("Paid twice by mistake"),
        gettext_lazy("Session canceled"),
        gettext_lazy("Wrong price"),
    )
    # As a list of buttons none is selected at first, and choosing one takes one press.
    why = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )
    note = line_field(gettext_lazy("Note"), longest=500)

    field_order = ("amount", "why", "words", "note")


class CreditForm(AmountForm):
    """Account credit given without a payment."""

    reason = line_field(gettext_lazy("Reason"), longest=300, required=True)


class ServiceForm(ShowingForm):
    """Code, name and price of a product or service."""

    code = line_field(gettext_lazy("Code"), longest=20, required=True)
    label = line_field(gettext_lazy("Name on invoices"), longest=100, required=True)
    label_es = line_field(gettext_lazy("Name in Spanish"), longest=100, attrs={"lang": "es"})
    price = MoneyField(label=gettext_lazy("Price"))

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        money_field(self, "price").currency = currency

    def clean_price(self) -> int:
        price: int | None = self.cleaned_data["price"]
        if price is None or price < 0:
            raise ValidationError(_("Enter a price of zero or more."))
        return price
