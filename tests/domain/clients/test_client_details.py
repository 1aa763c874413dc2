"""Changes to a client: one save, one version, consent recorded anew for each address, the trail for each act."""

from datetime import date

import pytest

from portico.domain.access import client_changes
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import registration
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.email_addresses import DuplicateAddress
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


def kept(row: EmailAddress, *, ok: bool = True, kind: str = "home") -> AddressInput:
    return AddressInput(row.address, kind, ok, row.ref)


def test_saving_what_stands_changes_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    before = actions()

    saved = save(ana, kept(EmailAddress.objects.get()))

    assert saved.version == 1
    assert actions() == before


def test_each_changed_field_is_named_in_the_trail(practice: Practice) -> None:
    ana = cast.ana(practice)
    details = ClientDetails(first_name="Anne", last_name="Abreu", date_of_birth=date(1989, 4, 18), language="es")

    saved = save(ana, kept(EmailAddress.objects.get()), details=details)

    assert (saved.version, saved.sort_key) == (2, "anne abreu")
    assert AuditEntry.objects.latest("id").details == {"fields": "first_name, date_of_birth, language"}


def test_a_changed_address_closes_its_row_and_is_agreed_to_anew(practice: Practice) -> None:
    ana = cast.ana(practice)
    old = EmailAddress.objects.get()

    save(ana, AddressInput("ana@new.example", "home", email_ok=False, ref=old.ref))

    old.refresh_from_db()
    new = ana.email_addresses.open().get()
    assert (old.address, old.closed_at is not None, old.email_ok) == ("ana@mail.example", True, True)
    assert (new.address, new.email_ok) == ("ana@new.example", False)
    assert actions()[-2:] == ["address.closed", "address.added"]


def test_consent_to_a_new_address_is_told(practice: Practice) -> None:
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


def test_an_address_of_another_client_cannot_be_taken_over_by_its_ref(practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    carols = carol.email_addresses.get()

    save(ana, kept(carols))

    carols.refresh_from_db()
    assert carols.client == carol
    assert carols.closed_at is None
    assert ana.email_addresses.open().get().ref != carols.ref


def test_consent_withdrawn_and_given_again_is_told_each_time(practice: Practice) -> None:
    ana, row = cast.ana(practice), EmailAddress.objects.get()

    save(ana, kept(row, ok=False))
    row.refresh_from_db()
    assert (row.email_ok, row.email_ok_by, row.email_ok_withdrawn_at is not None) == (False, "", True)

    save(ana, kept(row), version=2)
    row.refresh_from_db()
    assert (row.email_ok, row.email_ok_by, row.email_ok_withdrawn_at) == (True, "The desk", None)
    assert actions()[-2:] == ["consent.withdrawn", "consent.recorded"]


def test_the_same_mailbox_twice_is_refused_and_nothing_is_saved(practice: Practice) -> None:
    ana = cast.ana(practice)

    with pytest.raises(DuplicateAddress):
        save(
            ana,
            kept(EmailAddress.objects.get()),
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
    save(ana, kept(EmailAddress.objects.get()), details=ClientDetails(first_name="Anne"))

    with pytest.raises(ClientConflict):
        save(ana, details=ClientDetails(first_name="Anita"), version=1)

    assert Client.objects.get().first_name == "Anne"
    assert EmailAddress.objects.get().closed_at is None


def test_an_archived_client_is_not_edited(practice: Practice) -> None:
    ana = client_changes.archive(cast.ana(practice), by=cast.DESK)

    with pytest.raises(ClientArchived):
        save(ana, details=ClientDetails(first_name="Eve"), version=ana.version)


def test_numbers_are_made_those_of_the_entry(practice: Practice) -> None:
    ana = cast.ana(practice)
    numbers = (PhoneInput("+12125550134", "work"), PhoneInput("+34912345678", "home"))

    client_changes.save_client_info(ana, ClientInput(ANA, phones=numbers), version=1, by=cast.DESK)

    stored = ana.phone_numbers.order_by("id").values_list("number", "kind")
    assert list(stored) == [("+12125550134", "work"), ("+34912345678", "home")]
    assert AuditEntry.objects.latest("id").details == {"fields": "phones"}
