"""The form of a draft invoice: dates, note and lines."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.currency_table import digits_of
from portico.domain.billing.invoices import service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput
from portico.domain.billing.models import Invoice, InvoiceLine, ServiceItem
from portico.domain.billing.refusals import InvoiceEmpty, TotalNotPositive
from portico.domain.clients.models import Client, Language
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.text import money
from portico.web.date_fields import DayField, use_order_of
from portico.web.office import form_keys
from portico.web.office.base_form import UNASSISTED, OfficeForm, text_field
from portico.web.office.billing.drafts.line_form import MAX_LINES, LineForm, LineForms
from portico.web.office.billing.payment_forms import EARLIEST_DATE

LINES = "lines"
# The fields that are empty on a line without a charge.
CHARGED = ("item", "label", "price")
# Products and services with a button of their own; the others are chosen from each line's list.
MAX_QUICK_ITEMS = 6
DUE_CHOICES = {
    "14": gettext_lazy("In 14 days"),
    "30": gettext_lazy("In 30 days"),
    "0": gettext_lazy("Due on receipt"),
    "on": gettext_lazy("Choose a date"),
    "none": gettext_lazy("No due date"),
}


class DraftForm(OfficeForm):
    """Date, due date and note; `version` is that of the draft when the page was made, empty for a new one."""

    dated_on = DayField(label=gettext_lazy("Date"))
    due = forms.ChoiceField(label=gettext_lazy("Due"), choices=list(DUE_CHOICES.items()))
    due_on = DayField(label=gettext_lazy("Due date"), required=False)
    note = text_field(gettext_lazy("Note to the client"), longest=1000, rows=3, **UNASSISTED)
    version = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    form_key = form_keys.field()

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:  # Any: Django's own.
        super().__init__(*args, **kwargs)
        use_order_of(country, self)

    def clean_dated_on(self) -> date:
        dated_on: date = self.cleaned_data["dated_on"]
        if dated_on < EARLIEST_DATE:
            raise ValidationError(_("This date is too far in the past. Check the year."))
        return dated_on

    def clean(self) -> dict[str, Any]:  # Any: Django's own.
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        dated_on, due_on = cleaned.get("dated_on"), cleaned.get("due_on")
        if cleaned.get("due") == "on" and "due_on" in cleaned:
            if due_on is None:
                self.add_error("due_on", _("Enter the due date, or choose another option under Due."))
            elif dated_on is not None and due_on < dated_on:
                self.add_error("due_on", _("Enter a due date on or after the invoice date."))
        return cleaned

    @property
    def due_date(self) -> date | None:
        match self.cleaned_data["due"]:
            case "on":
                return cast(date, self.cleaned_data["due_on"])
            case "none":
                return None
            case days:
                return cast(date, self.cleaned_data["dated_on"]) + timedelta(days=int(days))


@dataclass
class InvoiceInitial:
    """Initial values of the forms: as saved, or as typed so far."""

    draft: dict[str, Any] = field(default_factory=dict)  # Any: a field's value, here and below.
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def new(cls, today: date, *, repeat: Invoice | None = None) -> "InvoiceInitial":
        """Returns the values of a new draft dated today; with `repeat`, the lines of that invoice, also dated today."""
        draft = {"dated_on": today, "due": "14", "form_key": tokens.new_token()}
        if repeat is None:
            return cls(draft, [{"given_on": today}])
        last = cls.saved(repeat, repeat.lines.select_related("item").order_by("position"))
        if last.draft["due"] == "on" and repeat.due_on is not None:
            last.draft["due_on"] = today + (repeat.due_on - repeat.dated_on)
        del last.draft["version"]
        return cls(last.draft | draft | {"due": last.draft["due"]}, [_on(today, line) for line in last.lines])

    @classmethod
    def saved(cls, invoice: Invoice, lines: Iterable[InvoiceLine]) -> "InvoiceInitial":
        days = (invoice.due_on - invoice.dated_on).days if invoice.due_on else None
        due = "none" if days is None else str(days) if str(days) in DUE_CHOICES else "on"
        draft = {
            "dated_on": invoice.dated_on,
            "due": due,
            "due_on": invoice.due_on if due == "on" else None,
            "note": invoice.note,
            "version": invoice.version,
        }
        return cls(draft, [_line_values(line, invoice.currency) for line in lines])


def _on(today: date, line: dict[str, Any]) -> dict[str, Any]:  # Any: a field's value.
    return line | {"given_on": today if line["given_on"] else None}


def _line_values(line: InvoiceLine, currency: str) -> dict[str, Any]:  # Any: a field's value.
    return {
        "item": line.item.ref if line.item else "",
        "given_on": line.given_on,
        "label": line.label,
        "quantity": line.quantity,
        "price": money.plain_decimal(line.unit_minor, currency),
    }


class InvoiceForms:
    """The draft's form and its line forms as one: bound to `data`, or unbound with `initial` values.

    A chosen product or service fills in its name in the language of the client; of several clients, in English.
    """

    MAX_LINES = MAX_LINES

    def __init__(
        self,
        practice: Practice,
        *,
        client: Client | None = None,
        data: QueryDict | None = None,
        initial: InvoiceInitial | None = None,
    ) -> None:
        initial = initial or InvoiceInitial()
        items = list(ServiceItem.objects.filter(practice=practice).offered().order_by("code"))
        self.practice, self.client, self.items = practice, client, items
        self.language = client.language if client is not None else Language.ENGLISH
        self.currency, self.digits = practice.currency, digits_of(practice.currency)
        self.draft = DraftForm(data, initial=initial.draft, country=practice.country)
        empty_line: list[dict[str, Any]] = [{}] if data is None else []  # Any: a field's value.
        kwargs = {"practice": practice, "items": items, "language": self.language}
        self.lines = LineForms(data, initial=initial.lines or empty_line, prefix=LINES, form_kwargs=kwargs)

    def is_valid(self) -> bool:
        # A list, so that both forms are validated and collect their errors.
        return all([self.draft.is_valid(), self.lines.is_valid()])

    @property
    def values(self) -> InvoiceInitial:
        """Returns the present values, valid or not, to open new forms with."""
        return InvoiceInitial(self.draft.values(), [form.values() for form in self.lines.forms])

    @property
    def entry(self) -> InvoiceInput:
        return InvoiceInput(
            self.draft.cleaned_data["dated_on"],
            self.draft.due_date,
            tuple(entry for form in self.lines.forms if (entry := form.entry) is not None),
            self.draft.cleaned_data["note"],
        )

    @property
    def services(self) -> str:
        """Returns the name and price of each product or service by its ref, as JSON for the script."""
        return json.dumps({item.ref: self._filled_in(item) for item in self.items})

    @property
    def quick_items(self) -> list[ServiceItem]:
        """Returns the products and services that one click adds: the client's latest, then the first by code."""
        if len(self.items) <= MAX_QUICK_ITEMS:
            return self.items
        used = service_items.used_for(self.client) if self.client is not None else []
        # A stable sort: the items are in the order of their codes.
        by_use = sorted(self.items, key=lambda item: used.index(item.pk) if item.pk in used else len(used))
        return by_use[:MAX_QUICK_ITEMS]

    def refuse_total(self) -> bool:
        """Adds an error if the lines come to nothing, and returns whether it did: such a draft cannot be shared."""
        if self.entry.total_minor > 0:
            return False
        self.draft.add_error(None, str(TotalNotPositive.message if self.entry.lines else InvoiceEmpty.message))
        return True

    @property
    def may_add(self) -> bool:
        return len(self.lines.forms) < MAX_LINES

    @property
    def total_minor(self) -> int:
        """Returns the sum of the lines for display, in minor units; unreadable ones count as zero."""
        return sum(_amount_minor(form) for form in self.lines.forms)

    @property
    def total(self) -> str:
        return money.formatted(self.total_minor, self.practice.currency, language="en")

    def rearranged(self, data: QueryDict) -> "InvoiceForms | None":
        """Returns the forms with a line added or removed, not validated; None if another button was pressed."""
        typed, added, removed = self.values, data.get("add", ""), data.get("remove", "")
        if added:
            self._add_line(typed.lines, next((item for item in self.items if item.ref == added), None))
        elif removed.isascii() and removed.isdigit() and len(removed) < 4 and int(removed) < len(typed.lines):
            del typed.lines[int(removed)]
        else:
            return None
        return InvoiceForms(self.practice, client=self.client, initial=typed)

    def _filled_in(self, item: ServiceItem) -> dict[str, str]:
        price = money.plain_decimal(item.price_minor, self.currency)
        return {"label": item.label_in(self.language), "price": price}

    def _add_line(self, lines: list[dict[str, Any]], item: ServiceItem | None) -> None:  # Any: a field's value.
        """Adds an empty line, or one for `item`, up to MAX_LINES; `item` first fills in a line without a charge."""
        values = {} if item is None else {"item": item.ref} | self._filled_in(item)
        empty = next((line for line in lines if not any(line.get(name) for name in CHARGED)), None)
        if values and empty is not None:
            empty |= values
        elif self.may_add:
            lines.append(values)


def _amount_minor(form: LineForm) -> int:
    try:
        return money.parsed(form.amount, form.currency)
    except money.InvalidAmount:
        return 0
