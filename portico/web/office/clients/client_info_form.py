"""The forms of `Client Info`: details, addresses and phone numbers, submitted together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients.client_input import FIRST_YEAR_OF_BIRTH, ClientDetails, ClientInput
from portico.domain.clients.models import Client, ClientKind, EmailAddress, Language, PhoneNumber, Status
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import clock
from portico.web.date_fields import DayField, use_order_of
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.clients import address_and_phone_forms
from portico.web.office.clients.address_and_phone_forms import ADDRESSES, PHONES, AddressRows, PhoneRows


class DetailsForm(OfficeForm):
    """Name, date of birth, clinician, language and, for an existing client, status and version."""

    first_name = line_field(gettext_lazy("First name"), longest=100, required=True)
    last_name = line_field(gettext_lazy("Last name"), longest=100)
    preferred_name = line_field(gettext_lazy("Preferred name"), longest=100)
    date_of_birth = DayField(label=gettext_lazy("Date of birth"), required=False, is_past=True)
    clinician = forms.ChoiceField(
        label=gettext_lazy("Clinician"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose a clinician from the list.")},
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"), choices=[(each.value, each.label) for each in (Status.ACTIVE, Status.INACTIVE)]
    )
    kind = forms.ChoiceField(label=gettext_lazy("This record is for"), choices=ClientKind.choices, required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language of emails"), choices=Language.choices)
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(
        self,
        practice: Practice,
        clinicians: list[StaffMember],
        data: QueryDict | None,
        initial: dict[str, Any],  # Any: a field's value.
        *,
        is_new: bool,
    ) -> None:
        super().__init__(data, initial=initial)
        use_order_of(practice.country, self)
        self.practice, self.clinicians = practice, {member.ref: member for member in clinicians}
        clinician = cast(forms.ChoiceField, self.fields["clinician"])
        clinician.choices = [("", _("Unassigned")), *((member.ref, member.name) for member in clinicians)]
        if initial.get("status") == Status.ARCHIVED:
            # An archived client is shown read-only.
            status = cast(forms.ChoiceField, self.fields["status"])
            status.choices = [(Status.ARCHIVED.value, Status.ARCHIVED.label)]
        for name in ("status", "version") if is_new else ():
            del self.fields[name]

    def clean_date_of_birth(self) -> Any:
        day = self.cleaned_data["date_of_birth"]
        if day is not None and not FIRST_YEAR_OF_BIRTH <= day.year <= clock.today(self.practice.time_zone).year:
            raise ValidationError(_("Check the year of birth: %(year)d is too long ago."), params={"year": day.year})
        if day is not None and day > clock.today(self.practice.time_zone):
            raise ValidationError(_("This date is in the future. Check the date."))
        return day

    @property
    def details(self) -> ClientDetails:
        cleaned = self.cleaned_data
        return ClientDetails(
            first_name=cleaned["first_name"],
            last_name=cleaned["last_name"],
            preferred_name=cleaned["preferred_name"],
            date_of_birth=cleaned["date_of_birth"],
            language=cleaned["language"],
            clinician=self.clinicians.get(cleaned["clinician"]),
            status=Status(cleaned.get("status", Status.ACTIVE)),
            kind=ClientKind(cleaned["kind"] or ClientKind.PERSON),
        )


@dataclass
class ClientInitial:
    """The initial values of the forms, from saved rows or from input."""

    details: dict[str, Any] = field(default_factory=dict)  # Any: a field's value, here and below.
    addresses: list[dict[str, Any]] = field(default_factory=list)
    phones: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def saved(cls, client: Client, addresses: Iterable[EmailAddress], phones: Iterable[PhoneNumber]) -> "ClientInitial":
        names = ("first_name", "last_name", "preferred_name", "date_of_birth", "status", "kind", "language", "version")
        details = {name: getattr(client, name) for name in names}
        details["clinician"] = client.clinician.ref if client.clinician else ""
        country = client.practice.country
        return cls(
            details,
            [saved_address(row) for row in addresses],
            [{"kind": row.kind, "number": address_and_phone_forms.written(row.number, country)} for row in phones],
        )


def saved_address(row: EmailAddress) -> dict[str, Any]:  # Any: as above.
    """Returns the initial values of a saved address."""
    ok_for = row.address if row.email_ok else ""
    return {"id": row.ref, "kind": row.kind, "address": row.address, "email_ok": row.email_ok, "ok_for": ok_for}


class ClientForms:
    """The three forms as one, bound to `data` or opened with `start`."""

    def __init__(
        self,
        practice: Practice,
        client: Client | None = None,
        *,
        data: QueryDict | None = None,
        start: ClientInitial | None = None,
    ) -> None:
        start = start or ClientInitial()
        # Show one empty row if there is none.
        empty_row: list[dict[str, Any]] = [{}] if data is None else []
        self.practice, self.client = practice, client
        clinicians = clinicians_for(practice, client)
        self.details = DetailsForm(practice, clinicians, data, start.details, is_new=client is None)
        self.addresses = AddressRows(data, initial=start.addresses or empty_row, prefix=ADDRESSES)
        self.phones = PhoneRows(
            data, initial=start.phones or empty_row, prefix=PHONES, form_kwargs={"country": practice.country}
        )

    def is_valid(self) -> bool:
        # A list, not `and`: all three must show their errors.
        return all([self.details.is_valid(), self.addresses.is_valid(), self.phones.is_valid()])

    @property
    def start(self) -> ClientInitial:
        """The current values, to open other forms with."""
        return ClientInitial(
            self.details.values(),
            [form.values() for form in self.addresses.forms],
            [form.values() for form in self.phones.forms],
        )

    @property
    def entry(self) -> ClientInput:
        return ClientInput(
            self.details.details,
            addresses=tuple(entry for form in self.addresses.forms if (entry := form.entry) is not None),
            phones=tuple(entry for form in self.phones.forms if (entry := form.entry) is not None),
        )

    @property
    def has_outdated_ok(self) -> bool:
        return any(form.has_outdated_ok for form in self.addresses.forms)

    @property
    def may_add_address(self) -> bool:
        return len(self.addresses.forms) < address_and_phone_forms.MAX_ROWS

    @property
    def may_add_phone(self) -> bool:
        return len(self.phones.forms) < address_and_phone_forms.MAX_ROWS

    def rearranged(self, data: QueryDict) -> "ClientForms | None":
        """Returns new forms after `Add`, remove or `Did you mean`, without validating; None for any other button."""
        start = self.start
        if rearrange(start, data):
            return ClientForms(self.practice, self.client, start=start)
        return None


def rearrange(start: ClientInitial, data: QueryDict) -> bool:
    """Adds, removes or corrects a row in place. Returns False if no such button was pressed."""
    rows_by_prefix = {ADDRESSES: start.addresses, PHONES: start.phones}
    if (name := data.get("add", "")) in rows_by_prefix:
        if len(rows_by_prefix[name]) < address_and_phone_forms.MAX_ROWS:
            rows_by_prefix[name].append({})
        return True
    if (removed := _row(data.get("remove", ""), rows_by_prefix)) is not None:
        del rows_by_prefix[removed[0]][removed[1]]
        return True
    if (used := _row(data.get("use", ""), {ADDRESSES: start.addresses})) is not None:
        row = start.addresses[used[1]]
        row["address"] = address_and_phone_forms.suggestion_for(row.get("address")) or row.get("address")
        if row.get("ok_for"):
            row["email_ok"], row["ok_for"] = False, row["address"]
        return True
    return False


def _row(value: str, rows_by_prefix: dict[str, list[dict[str, Any]]]) -> tuple[str, int] | None:
    """Parses a button's value such as "addresses-1" into prefix and index; None if there is no such row."""
    name, _dash, number = value.partition("-")
    if name not in rows_by_prefix or not (number.isascii() and number.isdigit()) or len(number) > 3:
        return None
    return (name, int(number)) if int(number) < len(rows_by_prefix[name]) else None


def clinicians_for(practice: Practice, client: Client | None) -> list[StaffMember]:
    """Returns active owners and clinicians, and the client's current clinician, by name."""
    current = Q(pk=client.clinician_id) if client is not None and client.clinician_id else Q()
    eligible = Q(role__in=(Role.OWNER, Role.CLINICIAN), deactivated_at=None)
    return list(
        StaffMember.objects.filter(eligible | current if current else eligible, practice=practice).order_by("name")
    )
