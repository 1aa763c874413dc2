"""The forms of a contact: details, addresses and phone numbers, submitted together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients import contacts
from portico.domain.clients.client_input import AddressInput, ContactInput, PhoneInput
from portico.domain.clients.contacts import AddressOwner
from portico.domain.clients.models import (
    Client,
    ClientKind,
    Contact,
    EmailAddress,
    Language,
    Relationship,
    RelationshipKind,
)
from portico.plumbing import tokens
from portico.web.office import form_keys
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.clients import address_and_phone_forms, client_info_form
from portico.web.office.clients.address_and_phone_forms import ADDRESSES, PHONES, AddressRows, PhoneRows
from portico.web.office.clients.client_info_form import ClientInitial

# The answer that the contact is another person than the known owner of the address.
DIFFERENT = "different"


class ContactDetailsForm(OfficeForm):
    """Name, relationship and language. `same_person` is asked only if an address is known already."""

    first_name = line_field(gettext_lazy("First name"), longest=100, required=True)
    last_name = line_field(gettext_lazy("Last name"), longest=100)
    kind = forms.ChoiceField(label=gettext_lazy("Relationship"))
    language = forms.ChoiceField(label=gettext_lazy("Language of emails"), choices=Language.choices)
    # One of `ContactForms.choices`, which are known once the addresses are.
    same_person = forms.CharField(label=gettext_lazy("Who is it?"), required=False, max_length=26)
    form_key = form_keys.field()
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(
        self, client: Client, data: QueryDict | None, initial: dict[str, Any]
    ) -> None:  # Any: a field's value.
        super().__init__(data, initial=initial)
        cast(forms.ChoiceField, self.fields["kind"]).choices = kinds_of(client)


def kinds_of(client: Client) -> list[tuple[str, Any]]:  # Any: a lazy label.
    """Returns the kinds of relationship that fit the client: members are those of a couple."""
    is_couple = client.kind == ClientKind.COUPLE
    shown = [each for each in RelationshipKind if is_couple or each is not RelationshipKind.MEMBER]
    shown.sort(key=lambda each: is_couple and each is not RelationshipKind.MEMBER)
    return [(each.value, each.label) for each in shown]


@dataclass(frozen=True)
class KnownOwner:
    """The answer to who the owner of a known address is: the same person as this client or contact, or neither."""

    client: Client | None = None
    contact: Contact | None = None


class ContactForms:
    """The forms as one, bound to `data` or opened with `start`; `relationship` is None for a new contact."""

    def __init__(
        self,
        client: Client,
        relationship: Relationship | None = None,
        *,
        data: QueryDict | None = None,
        start: ClientInitial | None = None,
    ) -> None:
        start = start or ClientInitial({"form_key": tokens.new_token(), "version": 1, "language": client.language})
        # Show one empty row if there is none.
        empty_row: list[dict[str, Any]] = [{}] if data is None else []
        self.client, self.relationship = client, relationship
        self.details = ContactDetailsForm(client, data, start.details)
        self.addresses = AddressRows(data, initial=start.addresses or empty_row, prefix=ADDRESSES)
        self.phones = PhoneRows(
            data,
            initial=start.phones or empty_row,
            prefix=PHONES,
            form_kwargs={"country": client.practice.country},
        )
        # The known owners of new addresses, once the forms are valid.
        self.owners: list[AddressOwner] = []

    @classmethod
    def saved(cls, relationship: Relationship) -> "ContactForms":
        contact, client = relationship.contact, relationship.client
        details = {name: getattr(contact, name) for name in ("first_name", "last_name", "language", "version")}
        details |= {"kind": relationship.kind, "form_key": tokens.new_token()}
        country = client.practice.country
        addresses = list(contact.email_addresses.open().order_by("id"))
        start = ClientInitial(
            details,
            [client_info_form.saved_address(row) for row in addresses],
            [
                {"kind": row.kind, "number": address_and_phone_forms.written(row.number, country)}
                for row in contact.phone_numbers.order_by("id")
            ],
        )
        forms = cls(client, relationship, start=start)
        forms.attach(addresses)
        return forms

    def attach(self, addresses: Iterable[EmailAddress]) -> None:
        """Sets the saved address on each form, for its consent."""
        saved_by_ref = {row.ref: row for row in addresses}
        for form in self.addresses.forms:
            form.standing = saved_by_ref.get(str(form["id"].value() or ""))

    def is_valid(self) -> bool:
        """Returns True if all forms are valid, and it is said who the owner of a known address is."""
        # A list, not `and`: all three must show their errors.
        if not all([self.details.is_valid(), self.addresses.is_valid(), self.phones.is_valid()]):
            return False
        self._find_owners()
        if self.owners and self.link is None:
            self.details.add_error("same_person", _("Choose who it is."))
            return False
        return True

    def _find_owners(self) -> None:
        contact = self.relationship.contact if self.relationship is not None else None
        known = set(contact.email_addresses.open().values_list("ref", flat=True)) if contact is not None else set()
        new = [entry.address for entry in self._addresses if entry.ref not in known]
        owners = contacts.owners_of(self.client.practice, new, besides=contact)
        linked = contact.also_client_id if contact is not None else None
        self.owners = [each for each in owners if each.client is None or each.client.pk != linked]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The answers to who the owner of the known address is."""
        found = dict[str, str]()
        for owner in self.owners:
            if owner.client is not None:
                found[owner.client.ref] = _("The client %(name)s. Link them") % {"name": owner.name}
            elif owner.contact is not None and self.relationship is None:
                found[owner.contact.ref] = _("The contact %(name)s. Use that contact") % {"name": owner.name}
        return [*found.items(), (DIFFERENT, _("A different person who shares this address"))]

    @property
    def link(self) -> KnownOwner | None:
        """Returns the answer; None if there is none yet."""
        answer = self.details.cleaned_data.get("same_person", "")
        if answer == DIFFERENT:
            return KnownOwner()
        for owner in self.owners:
            if owner.client is not None and owner.client.ref == answer:
                return KnownOwner(client=owner.client)
            if owner.contact is not None and owner.contact.ref == answer and self.relationship is None:
                return KnownOwner(contact=owner.contact)
        return None

    @property
    def entry(self) -> ContactInput:
        cleaned = self.details.cleaned_data
        saved = self.relationship.contact.also_client if self.relationship is not None else None
        link = self.link or KnownOwner()
        return ContactInput(
            first_name=cleaned["first_name"],
            last_name=cleaned["last_name"],
            kind=cleaned["kind"],
            language=cleaned["language"],
            also_client=link.client or saved,
            addresses=tuple(self._addresses),
            phones=self._phones,
        )

    @property
    def _addresses(self) -> list[AddressInput]:
        return [entry for form in self.addresses.forms if (entry := form.entry) is not None]

    @property
    def _phones(self) -> tuple[PhoneInput, ...]:
        return tuple(entry for form in self.phones.forms if (entry := form.entry) is not None)

    @property
    def has_outdated_ok(self) -> bool:
        return any(form.has_outdated_ok for form in self.addresses.forms)

    @property
    def may_add_address(self) -> bool:
        return len(self.addresses.forms) < address_and_phone_forms.MAX_ROWS

    @property
    def may_add_phone(self) -> bool:
        return len(self.phones.forms) < address_and_phone_forms.MAX_ROWS

    @property
    def start(self) -> ClientInitial:
        """The current values, to open other forms with."""
        return ClientInitial(
            self.details.values(),
            [form.values() for form in self.addresses.forms],
            [form.values() for form in self.phones.forms],
        )

    def rearranged(self, data: QueryDict) -> "ContactForms | None":
        """Returns new forms after `Add`, remove or `Did you mean`, without validating; None for any other button."""
        start = self.start
        if client_info_form.rearrange(start, data):
            return ContactForms(self.client, self.relationship, start=start)
        return None
