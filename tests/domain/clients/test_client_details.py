"""Changes of a client: one save, one version, consent for each address, and audit entries."""

from datetime import date

import pytest

from portico.domain.access import client_changes
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import registration
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.email_address_changes import DuplicateAddress
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db
ANA = ClientDetails(first_name="Ana", last_name="Abreu")


def save(client: Client, *addresses: AddressInput, details: ClientDetails = ANA, version: int = 1) -> Client:
    numbers = tuple(PhoneInput(phone.number, phone.kind) for phone in client.phone_numbers.all())
    entry = ClientInput(details, addresses, numbers)
    return client_changes.save_client_info(client, entry, version=version, by=cast.DESK).client


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def current_addresses(row: EmailAddress, *, ok: bool = True, kind: str = "home") -> AddressInput:
    return AddressInput(row.address, kind, ok, row.ref)


def test_saving_unchanged_details_changes_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    before = actions()

    saved = save(ana, current_addresses(EmailAddress.objects.get()))

    assert saved.version == 1
    assert actions() == before


def test_changed_fields_are_named_in_the_audit_log(practice: Practice) -> None:
    ana = cast.ana(practice)
    details = ClientDetails(first_name="Anne", last_name="Abreu", date_of_birth=date(1989, 4, 18), language="es")

    saved = save(ana, current_addresses(EmailAddress.objects.get()), details=details)

    assert (saved.version, saved.sort_key) == (2, "anne abreu")
    assert AuditEntry.objects.latest("id").details == {"fields": "first_name, date_of_birth, language"}


def test_a_changed_address_needs_new_consent(practice: Practice) -> None:
    ana = cast.ana(practice)
    old = EmailAddress.objects.get()

    save(ana, AddressInput("ana@new.example", "home", email_ok=False, ref=old.ref))

    old.refresh_from_db()
    new = ana.email_addresses.open().get()
    assert (old.address, old.closed_at is not None, old.email_ok) == ("ana@mail.example", True, True)
    assert (new.address, new.email_ok) == ("ana@new.example", False)
    assert actions()[-2:] == ["address.closed", "address.added"]


def test_consent_to_a_new_address_is_recorded(practice: Practice) -> None:
    ana = cast.ana(practice)
    old = EmailAddress.objects.get()
    before = len(actions())
    save(ana, AddressInput("ana@new.example", "home", email_ok=True, ref=old.ref))
    assert actions()[before:] == [AuditAction.ADDRESS_CLOSED, AuditAction.ADDRESS_ADDED, AuditAction.CONSENT_RECORDED]
    told = AuditEntry.objects.latest("id")
    assert (told.details, told.about) == ({"address": "ana@new.example"}, EmailAddress.objects.open().get().ref)


def test_another_spelling_of_the_same_mailbox_is_no_change(practice: Practice) -> None:
    ana = cast.ana(practice)
    row = EmailAddress.objects.get()

    save(ana, AddressInput("ANA@Mail.example", "work", email_ok=True, ref=row.ref))

    row.refresh_from_db()
    assert (row.address, row.kind, row.closed_at) == ("ana@mail.example", "work", None)


def test_another_clients_address_cannot_be_taken_over(practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    carols = carol.email_addresses.get()

    save(ana, current_addresses(carols))

    carols.refresh_from_db()
    assert carols.client == carol
    assert carols.closed_at is None
    assert ana.email_addresses.open().get().ref != carols.ref


def test_each_change_of_consent_is_recorded(practice: Practice) -> None:
    ana, row = cast.ana(practice), EmailAddress.objects.get()

    save(ana, current_addresses(row, ok=False))
    row.refresh_from_db()
    assert (row.email_ok, row.email_ok_by, row.email_ok_withdrawn_at is not None) == (False, "", True)

    save(ana, current_addresses(row), version=2)
    row.refresh_from_db()
    assert (row.email_ok, row.email_ok_by, row.email_ok_withdrawn_at) == (True, "The desk", None)
    assert actions()[-2:] == ["consent.withdrawn", "consent.recorded"]


def test_the_same_mailbox_twice_is_refused(practice: Practice) -> None:
    ana = cast.ana(practice)

    with pytest.raises(DuplicateAddress):
        save(
            ana,
            current_addresses(EmailAddress.objects.get()),
            AddressInput("ANA@mail.example", "work", email_ok=True),
            details=ClientDetails(first_name="Eve"),
        )

    assert Client.objects.get().first_name == "Ana"
    with pytest.raises(DuplicateAddress):
        registration.create(
            practice,
            ClientInput(ANA, (AddressInput("a@b.example", "home", email_ok=True),) * 2),
            by=cast.DESK,
        )
    assert Client.objects.count() == 1


def test_the_second_of_two_editors_is_refused(practice: Practice) -> None:
    ana = cast.ana(practice)
    save(ana, current_addresses(EmailAddress.objects.get()), details=ClientDetails(first_name="Anne"))

    with pytest.raises(ClientConflict):
        save(ana, details=ClientDetails(first_name="Anita"), version=1)

    assert Client.objects.get().first_name == "Anne"
    assert EmailAddress.objects.get().closed_at is None


def test_an_archived_client_is_not_edited(practice: Practice) -> None:
    ana = client_changes.archive(cast.ana(practice), by=cast.DESK)

    with pytest.raises(ClientArchived):
        save(ana, details=ClientDetails(first_name="Eve"), version=ana.version)


def test_phone_numbers_are_replaced_by_the_entries(practice: Practice) -> None:
    ana = cast.ana(practice)
    numbers = (PhoneInput("+12125550134", "work"), PhoneInput("+34912345678", "home"))

    client_changes.save_client_info(ana, ClientInput(ANA, phones=numbers), version=1, by=cast.DESK)

    stored = ana.phone_numbers.order_by("id").values_list("number", "kind")
    assert list(stored) == [("+12125550134", "work"), ("+34912345678", "home")]
    assert AuditEntry.objects.latest("id").details == {"fields": "phones"}
