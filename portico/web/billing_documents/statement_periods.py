"""The form for a statement's period, and links to other years and to the parts of a long statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing.ledger import statements
from portico.domain.billing.ledger.statements import Statement
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.web.date_fields import CalendarInput, DayField, use_order_of

# No invoice or payment is dated earlier.
EARLIEST_DATE = date(1900, 1, 1)
MAX_YEARS = 10
MAX_PARTS = 9999


class PeriodForm(forms.Form):
    """The period from the query string; defaults to this year until today."""

    use_required_attribute = False

    begins_on = DayField(label=gettext_lazy("First day"), widget=CalendarInput)
    ends_on = DayField(label=gettext_lazy("Last day"), widget=CalendarInput)

    def __init__(self, query: Mapping[str, str], practice: Practice) -> None:
        today = clock.today(practice.time_zone)
        defaults = {"begins_on": f"{today.year:04}-01-01", "ends_on": today.isoformat()}
        super().__init__({name: query.get(name, default) for name, default in defaults.items()})
        self.today = today
        use_order_of(practice.country, self)
        self.part = _part(query.get("part", ""))

    def statement_of(self, client: Client, *, shared_only: bool) -> Statement:
        """Returns the part of the client's statement that a valid form names."""
        days = self.cleaned_data
        return statements.statement_of(
            client,
            begins_on=days["begins_on"],
            ends_on=days["ends_on"],
            today=self.today,
            shared_only=shared_only,
            part=self.part,
        )

    @property
    def query(self) -> str:
        return _query(self.data["begins_on"], self.data["ends_on"], self.part)

    def clean_begins_on(self) -> date:
        begins_on: date = self.cleaned_data["begins_on"]
        return max(begins_on, EARLIEST_DATE)

    def clean_ends_on(self) -> date:
        begins_on: date | None = self.cleaned_data.get("begins_on")
        ends_on: date = self.cleaned_data["ends_on"]
        if begins_on and ends_on < begins_on:
            raise ValidationError(_("Choose a last day that is not before the first."))
        return min(ends_on, self.today)


@dataclass(frozen=True)
class Link:
    """A link to another statement of the same client; `query` is its query string."""

    label: str
    query: str
    is_current: bool = False


@dataclass(frozen=True)
class StatementLinks:
    """Links to the years, newest first, and the queries of the parts before and after this one, or empty."""

    years: tuple[Link, ...]
    earlier: str = ""
    later: str = ""


def statement_links(statement: Statement, today: date) -> StatementLinks:
    first_year = (statement.first_on or statement.begins_on).year
    years = range(today.year, min(first_year, today.year) - 1, -1)[:MAX_YEARS]
    return StatementLinks(
        tuple(_year_link(statement, year, today) for year in years) if len(years) > 1 else (),
        earlier=_part_query(statement, statement.part - 1),
        later=_part_query(statement, statement.part + 1),
    )


def _year_link(statement: Statement, year: int, today: date) -> Link:
    first, last = date(year, 1, 1), min(date(year, 12, 31), today)
    is_current = (statement.begins_on, statement.ends_on) == (first, last)
    return Link(str(year), _query(first.isoformat(), last.isoformat()), is_current)


def _part_query(statement: Statement, part: int) -> str:
    if not 1 <= part <= statement.parts:
        return ""
    return _query(statement.begins_on.isoformat(), statement.ends_on.isoformat(), part)


def _query(begins_on: str, ends_on: str, part: int = 1) -> str:
    parameters = {"begins_on": begins_on, "ends_on": ends_on} | ({"part": str(part)} if part > 1 else {})
    return urlencode(parameters)


def _part(text: str) -> int:
    """Returns the part's number; 1 if the text is not a valid one."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_PARTS)):
        return 1
    return max(1, int(text))
