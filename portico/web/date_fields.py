"""The form field and widgets for dates."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from portico.plumbing import clock
from portico.plumbing.text import date_input, time_formatting
from portico.plumbing.text.date_input import NotADate


class DayInput(forms.DateInput):
    """A text input for a date. No inputmode: the numeric keyboard of a phone has neither slash nor letters."""

    country = "US"

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "off"})

    def format_value(self, value: Any) -> str | None:  # Any: Django's own.
        return date_input.written(value, self.country) if isinstance(value, date) else super().format_value(value)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # Any: Django's own.
        return super().get_context(name, value, {"placeholder": date_input.pattern(self.country)} | (attrs or {}))


class CalendarInput(DayInput):
    """The browser's date picker, which sends ISO 8601 and ignores the date order of the country."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:  # Any: Django's own.
        return value.isoformat() if isinstance(value, date) else super().format_value(value)


class DayField(forms.DateField):
    """Parses a date in the order of `country`. With `is_past`, a two-digit year is never in the future."""

    widget: DayInput = DayInput  # type: ignore[assignment]  # Django creates an instance.

    def __init__(self, *, is_past: bool = False, **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.is_past, self.country = is_past, "US"
        kwargs.setdefault("error_messages", {"required": gettext_lazy("Enter a date.")})
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:  # Any: Django passes what was posted.
        if value in self.empty_values or isinstance(value, date):
            return value or None
        text = str(value).strip()
        if not text:
            return None
        today = time_formatting.day_of(clock.now(), timezone.get_current_timezone())
        try:
            return date_input.parsed(text, country=self.country, today=today, is_past=self.is_past)
        except NotADate as error:
            raise ValidationError(str(error), code="invalid") from error


def use_order_of(country: str, form: forms.Form) -> None:
    """Sets the date order of all date fields of a form. `country` is an ISO 3166 code."""
    for field in form.fields.values():
        if isinstance(field, DayField):
            field.country = field.widget.country = country
