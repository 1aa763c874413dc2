"""An account statement on paper, and the period that somebody asks for."""

from collections.abc import Mapping
from datetime import date
from typing import TypedDict

from django import forms
from django.core.exceptions import ValidationError
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from portico.domain.billing.models import Credit, CreditNote, Dispute, Invoice, Payment
from portico.domain.billing.statements import Entry, Statement
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.web import formats, money_words
from portico.web.day_field import CalendarInput, DayField, use_order_of
from portico.web.papers.paper import Column, Paper, Party, Sum, amount, sender, ways_to_pay


class Period(TypedDict):
    """The first and the last day."""

    begins_on: date
    ends_on: date


class PeriodForm(forms.Form):
    """From one day to another; at first, this year until today. As an address says it."""

    use_required_attribute = False

    begins_on = DayField(label=gettext_lazy("First day"), widget=CalendarInput)
    ends_on = DayField(label=gettext_lazy("Last day"), widget=CalendarInput)

    def __init__(self, asked: Mapping[str, str], practice: Practice) -> None:
        today = clock.today(practice.time_zone)
        # What an address leaves out is what the page begins with.
        first = {"begins_on": f"{today.year:04}-01-01", "ends_on": today.isoformat()}
        super().__init__({name: asked.get(name, usual) for name, usual in first.items()})
        self.today = today
        use_order_of(practice.country, self)

    @property
    def period(self) -> Period:
        return {"begins_on": self.cleaned_data["begins_on"], "ends_on": self.cleaned_data["ends_on"]}

    @property
    def query(self) -> str:
        return urlencode(self.data)

    def clean_ends_on(self) -> date:
        begins_on: date | None = self.cleaned_data.get("begins_on")
        ends_on: date = self.cleaned_data["ends_on"]
        if begins_on and ends_on < begins_on:
            raise ValidationError(_("The last day lies before the first."))
        return min(ends_on, self.today)


def paper(statement: Statement) -> Paper:
    """With the balance before, each thing that happened, and the balance after it."""
    language, client = get_language(), statement.client
    practice, currency = client.practice, client.practice.currency
    period = {
        "begin": formats.full_day(statement.begins_on, language=language),
        "end": formats.full_day(statement.ends_on, language=language),
    }
    today = formats.full_day(clock.today(practice.time_zone), language=language)
    before = ("", _("Balance before"), "", "", amount(statement.before_minor, currency))
    return Paper(
        file_name=f"statement-{statement.begins_on}-{statement.ends_on}",
        title=_("Statement"),
        subtitle=_("%(begin)s to %(end)s") % period,
        parties=(
            (sender(practice),),
            (Party(pgettext("whose statement it is", "For"), (client.name,)),),
            (Party(_("Made"), (today,)),),
        ),
        caption=_("Invoices and payments"),
        columns=(
            Column(_("Date")),
            Column(_("What"), wide=True),
            Column(_("Invoiced"), amount=True, told=True),
            Column(_("Payments"), amount=True, told=True),
            Column(_("Balance"), amount=True, told=True),
        ),
        rows=(*([before] if statement.before_minor else []), *(_row(entry, currency) for entry in statement.entries)),
        sums=_sums(statement, currency),
        notes=(ways_to_pay(practice),),
    )


def _row(entry: Entry, currency: str) -> tuple[str, ...]:
    return (
        formats.full_day(entry.on, language=get_language()),
        _named(entry),
        amount(entry.owed_minor, currency) if entry.owed_minor > 0 else "",
        amount(-entry.owed_minor, currency) if entry.owed_minor < 0 else "",
        amount(entry.balance_minor, currency),
    )


def _named(entry: Entry) -> str:
    match entry.what:
        case Invoice() as invoice:
            return _("Invoice %(number)s") % {"number": invoice.number}
        case Payment() as payment:
            words = {"name": money_words.payment_name(payment), "number": payment.number}
            return _("%(name)s, receipt %(number)s") % words
        case Credit():
            return _("Credit")
        case CreditNote() as note:
            return _("Credited on invoice %(number)s") % {"number": note.invoice.number}
        case Dispute():
            return _("Payment taken back by the bank")
        case refund:
            return _("Refund of receipt %(number)s") % {"number": refund.payment.number}


def _sums(statement: Statement, currency: str) -> tuple[Sum, ...]:
    sums = []
    if statement.before_minor:
        sums.append(Sum(_("Balance before"), amount(statement.before_minor, currency)))
    sums.append(Sum(_("Invoiced"), amount(statement.more_minor, currency)))
    sums.append(Sum(_("Paid or credited"), amount(-statement.less_minor, currency)))
    if statement.processing_minor:
        sums.append(Sum(_("Processing"), amount(-statement.processing_minor, currency)))
    return (*sums, Sum(_("Account balance"), amount(statement.balance_minor, currency), total=True))
