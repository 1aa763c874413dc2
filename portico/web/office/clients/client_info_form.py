"""What is asked about a client: details, addresses and phones, which stand on the page as one form."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients.client_input import ClientDetails, ClientInput
from portico.domain.clients.models import Client, EmailAddress, Language, PhoneNumber, Status
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.plumbing import clock
from portico.web.form_fields import DayField, use_order_of
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.clients import contact_forms
from portico.web.office.clients.contact_forms import ADDRESSES, PHONES, AddressRows, PhoneRows

FIRST_YEAR = 1880


class DetailsForm(OfficeForm):
    """Name, birth, clinician, language and, for a client that exists, the status and the version seen."""

    first_name = line_field(gettext_lazy("First name"), longest=100, required=True)
    last_name = line_field(gettext_lazy("Last name"), longest=100)
    preferred_name = line_field(gettext_lazy("Goes by"), longest=100)
    date_of_birth = DayField(label=gettext_lazy("Date of birth"), required=False, is_past=True)
    clinician = forms.ChoiceField(
        label=gettext_lazy("Clinician"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("That colleague can’t be chosen. Choose again.")},
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"), choices=[(each.value, each.label) for each in (Status.ACTIVE, Status.INACTIVE)]
    )
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
        chosen = cast(forms.ChoiceField, self.fields["clinician"])
        chosen.choices = [("", _("Nobody yet")), *((member.ref, member.name) for member in clinicians)]
        if initial.get("status") == Status.ARCHIVED:
            # Shown as it is, on a page where nothing can be changed.
            status = cast(forms.ChoiceField, self.fields["status"])
            status.choices = [(Status.ARCHIVED.value, Status.ARCHIVED.label)]
        for name in ("status", "version") if is_new else ():
            del self.fields[name]

    def clean_date_of_birth(self) -> Any:
        day = self.cleaned_data["date_of_birth"]
        if day is not None and not FIRST_YEAR <= day.year <= clock.today(self.practice.time_zone).year:
            raise ValidationError(_("Nobody alive was born in %(year)d. Check the year."), params={"year": day.year})
        if day is not None and day > clock.today(self.practice.time_zone):
            raise ValidationError(_("This day is still to come. Check the date."))
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
        )


@dataclass
class ClientInitial:
    """What the forms open with: as saved, or as typed so far."""

    details: dict[str, Any] = field(default_factory=dict)  # Any: a field's value, here and below.
    addresses: list[dict[str, Any]] = field(default_factory=list)
    phones: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def saved(cls, client: Client, addresses: Iterable[EmailAddress], phones: Iterable[PhoneNumber]) -> "ClientInitial":
        names = ("first_name", "last_name", "preferred_name", "date_of_birth", "status", "language", "version")
        details = {name: getattr(client, name) for name in names}
        details["clinician"] = client.clinician.ref if client.clinician else ""
        country = client.practice.country
        return cls(
            details,
            [{"id": row.ref, "kind": row.kind, "address": row.address, "email_ok": row.email_ok} for row in addresses],
            [{"kind": row.kind, "number": contact_forms.written(row.number, country)} for row in phones],
        )


class ClientForms:
    """The three forms as one; give it `data` to be judged, or a start to be shown."""

    def __init__(
        self,
        practice: Practice,
        client: Client | None = None,
        *,
        data: QueryDict | None = None,
        start: ClientInitial | None = None,
    ) -> None:
        start = start or ClientInitial()
        # A page without any row would have nothing to type into.
        first: list[dict[str, Any]] = [{}] if data is None else []
        self.practice, self.client = practice, client
        clinicians = clinicians_for(practice, client)
        self.details = DetailsForm(practice, clinicians, data, start.details, is_new=client is None)
        self.addresses = AddressRows(data, initial=start.addresses or first, prefix=ADDRESSES)
        self.phones = PhoneRows(
            data, initial=start.phones or first, prefix=PHONES, form_kwargs={"country": practice.country}
        )

    def is_valid(self) -> bool:
        # Each is asked, so that each complains.
        return all([self.details.is_valid(), self.addresses.is_valid(), self.phones.is_valid()])

    @property
    def start(self) -> ClientInitial:
        """What stands in the forms now, to open others with."""
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
    def may_add_address(self) -> bool:
        return len(self.addresses.forms) < contact_forms.MAX_ROWS

    @property
    def may_add_phone(self) -> bool:
        return len(self.phones.forms) < contact_forms.MAX_ROWS

    def rearranged(self, data: QueryDict) -> "ClientForms | None":
        """The forms after `Add`, remove or `Did you mean`, nothing judged or saved; None for any other press."""
        start = self.start
        if rearrange(start, data):
            return ClientForms(self.practice, self.client, start=start)
        return None


def rearrange(start: ClientInitial, data: QueryDict) -> bool:
    """Does what the pressed button says with the rows as typed; says whether one of those was pressed."""
    lists = {ADDRESSES: start.addresses, PHONES: start.phones}
    if (name := data.get("add", "")) in lists:
        if len(lists[name]) < contact_forms.MAX_ROWS:
            lists[name].append({})
        return True
    if (removed := _row(data.get("remove", ""), lists)) is not None:
        del lists[removed[0]][removed[1]]
        return True
    if (used := _row(data.get("use", ""), {ADDRESSES: start.addresses})) is not None:
        row = start.addresses[used[1]]
        row["address"] = contact_forms.suggestion_for(row.get("address")) or row.get("address")
        return True
    return False


def _row(pressed: str, lists: dict[str, list[dict[str, Any]]]) -> tuple[str, int] | None:
    """The list and place that a button's value names ("addresses-1")."""
    name, _dash, number = pressed.partition("-")
    if name not in lists or not (number.isascii() and number.isdigit()) or len(number) > 3:
        return None
    return (name, int(number)) if int(number) < len(lists[name]) else None


def clinicians_for(practice: Practice, client: Client | None) -> list[StaffMember]:
    """Who may be chosen: owners and clinicians who work here, and whoever is chosen already."""
    chosen = Q(pk=client.clinician_id) if client is not None and client.clinician_id else Q()
    here = Q(role__in=(Role.OWNER, Role.CLINICIAN), deactivated_at=None)
    return list(StaffMember.objects.filter(here | chosen if chosen else here, practice=practice).order_by("name"))
