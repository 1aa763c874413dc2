"""Conflicts between submitted input and what someone else saved meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, cast

from django import forms
from django.utils.translation import gettext as _

from portico.plumbing.text import date_input
from portico.web.date_fields import DayField
from portico.web.office.base_form import OfficeForm
from portico.web.office.clients.client_info_form import ClientInitial

NOTHING = "—"


@dataclass(frozen=True)
class FieldConflict:
    """A field with the submitted and the saved value."""

    label: str
    typed: str
    saved: str


class RecordForms(Protocol):
    """The details of a client or contact, with rows of addresses and phone numbers."""

    @property
    def details(self) -> OfficeForm: ...

    @property
    def start(self) -> ClientInitial: ...


def conflicts_between(typed: RecordForms, saved: RecordForms) -> list[FieldConflict]:
    """Returns every field that differs, in the order of the page."""
    conflicts = of_forms(typed.details, saved.details)
    for label, rows in (
        (_("Email"), (_addresses(typed.start), _addresses(saved.start))),
        (_("Phone"), (_phones(typed.start), _phones(saved.start))),
    ):
        if rows[0] != rows[1]:
            conflicts.append(FieldConflict(label, _lines(rows[0]), _lines(rows[1])))
    return conflicts


def of_forms(typed: forms.Form, saved: forms.Form) -> list[FieldConflict]:
    """Returns the same for a single form."""
    conflicts = []
    for name in saved.fields:
        if saved[name].is_hidden:
            continue
        values = _display_value(typed, name), _display_value(saved, name)
        if values[0] != values[1]:
            conflicts.append(FieldConflict(str(saved[name].label), *values))
    return conflicts


def merge_rows(typed: ClientInitial, saved: ClientInitial) -> ClientInitial:
    """Returns the input plus the rows saved meanwhile, so that saving again does not silently delete them."""
    typed_ids = {row.get("id") for row in typed.addresses}
    numbers = {_digits(row) for row in typed.phones}
    return ClientInitial(
        typed.details | {"version": saved.details["version"]},
        [row for row in typed.addresses if row.get("address")]
        + [row for row in saved.addresses if row["id"] not in typed_ids],
        [row for row in typed.phones if row.get("number")]
        + [row for row in saved.phones if _digits(row) not in numbers],
    )


def _display_value(form: forms.Form, name: str) -> str:
    value, field = form[name].value(), form.fields[name]
    if isinstance(field, forms.ChoiceField):
        return str(dict(_flat(field)).get(value or "", NOTHING))
    if isinstance(value, date) and isinstance(field, DayField):
        return date_input.written(value, field.country)
    return str(value or "").strip() or NOTHING


def _flat(field: forms.ChoiceField) -> Iterator[tuple[str, object]]:
    """Yields the choices without their groups."""
    for value, label in cast("Iterable[tuple[str, object]]", field.choices):
        if isinstance(label, list):
            yield from label
        else:
            yield value, label


def _addresses(start: ClientInitial) -> list[str]:
    templates = _("%(address)s, Email ok"), _("%(address)s, no Email ok")
    rows = [row for row in start.addresses if row.get("address")]
    return [templates[0 if row.get("email_ok") else 1] % {"address": row["address"]} for row in rows]


def _phones(start: ClientInitial) -> list[str]:
    return [str(row["number"]) for row in start.phones if row.get("number")]


def _digits(row: Mapping[str, Any]) -> str:  # Any: a field's value.
    return "".join(character for character in str(row.get("number") or "") if character.isdigit())


def _lines(rows: list[str]) -> str:
    return "\n".join(rows) or NOTHING
