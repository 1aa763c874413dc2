"""The form field for every date that people type."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from portico.plumbing import clock
from portico.plumbing.text import dates, times
from portico.plumbing.text.dates import NotADate


class DayInput(forms.DateInput):
    """A date to type, with every key at hand: a phone's keyboard for digits has neither slash nor letters."""

    country = "US"

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off"})

    def format_value(self, value: Any) -> str | None:  # Any: Django's own.
        return dates.written(value, self.country) if isinstance(value, date) else super().format_value(value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # Any: Django's own.
        return super().get_context(name, value, {"placeholder": dates.pattern(self.country)} | (attrs or {}))


class CalendarInput(DayInput):
    """The browser's own calendar, which sends ISO 8601 and ignores the order of the country."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:  # Any: Django's own.
        return value.isoformat() if isinstance(value, date) else super().format_value(value)


class DayField(forms.DateField):
    """A date, read in the order of `country`; with `is_past`, a year of two digits is never in the future."""

    widget: DayInput = DayInput  # type: ignore[assignment]  # Django makes an instance of it.

    def __init__(self, *, is_past: bool = False, **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.is_past, self.country = is_past, "US"
        kwargs.setdefault("error_messages", {"required": gettext_lazy("Type a date.")})
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:  # Any: Django hands over whatever was posted.
        if value in self.empty_values or isinstance(value, date):
            return value or None
        text = str(value).strip()
        if not text:
            return None
        today = times.day_of(clock.now(), timezone.get_current_timezone())
        try:
            return dates.parsed(text, country=self.country, today=today, is_past=self.is_past)
        except NotADate as refused:
            raise ValidationError(str(refused), code="invalid") from refused


def use_order_of(country: str, form: forms.Form) -> None:
    """Makes every date of a form read and shown in the order of a country (ISO 3166)."""
    for field in form.fields.values():
        if isinstance(field, DayField):
            field.country = field.widget.country = country
