"""Notices of a used PIN and of a removed address: their recipients and their content."""

from dataclasses import replace
from datetime import date

import pytest

from portico.domain.access import access_grants, client_changes
from portico.domain.access.notices import notices
from portico.domain.access.notices.notice_mails import AddressRemovedMail, PinUsedMail
from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.domain.access.sign_in.test_sign_in_pins import given, typed

VISITOR = Browser("Safari on iPhone", "a browser")
pytestmark = pytest.mark.django_db


def sign_in_by_link(person: Client) -> None:
    """Invites the client, hands the mail over and redeems its link."""
    token = cast.token_of(cast.invited(person))
    OutgoingEmail.objects.filter(state=EmailState.QUEUED).update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    link_redemption.redeem(person.practice, token, visitor=VISITOR)


def change_address(person: Client, address: str | None, *, email_ok: bool = True) -> None:
    """Changes the only address in `Client Info`, or removes it."""
    person.refresh_from_db()
    row = person.email_addresses.open().get()
    addresses = (AddressInput(address, "home", email_ok, ref=row.ref),) if address else ()
    entry = ClientInput(ClientDetails(person.first_name, person.last_name, language=person.language), addresses)
    client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def notified_addresses() -> list[str]:
    emails = OutgoingEmail.objects.filter(kind=notices.ADDRESS_REMOVED).order_by("id")
    return list(emails.values_list("to_address", flat=True))


def letter(kind: str) -> outbox.ComposedMail:
    mail = OutgoingEmail.objects.select_related("practice").get(kind=kind)
    return outbox.composer_of(kind).compose(mail, None)


@pytest.mark.parametrize("address", ["ana@new.example", None], ids=["changed", "removed"])
def test_an_old_address_that_signed_in_is_notified(practice: Practice, address: str | None) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    change_address(ana, address)
    assert notified_addresses() == ["ana@mail.example"]


def test_choosing_another_address_notifies_the_old_one(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    assert notified_addresses() == ["ana@mail.example"]


def test_the_removal_notice_needs_no_email_ok(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    change_address(ana, "ana@mail.example", email_ok=False)
    change_address(ana, "ana@new.example")
    assert notified_addresses() == ["ana@mail.example"]
    assert AddressRemovedMail().refuse(OutgoingEmail.objects.get(kind=notices.ADDRESS_REMOVED)) is None


def test_an_address_that_never_signed_in_is_not_notified(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    change_address(ana, "ana@new.example")
    assert notified_addresses() == []


def test_an_address_used_only_with_a_pin_is_not_notified(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    assert typed(practice, given(ana)) is not None
    change_address(ana, "ana@new.example")
    assert notified_addresses() == []


def test_an_address_that_bounced_is_not_notified(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    cast.invited(ana)
    OutgoingEmail.objects.filter(state=EmailState.QUEUED).update(state=EmailState.BOUNCED, settled_at=clock.now())
    change_address(ana, "ana@new.example")
    assert notified_addresses() == []


def test_unchanged_saves_and_access_off_notify_no_address(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    change_address(ana, "ana@mail.example")
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    client_changes.archive(ana, by=cast.DESK)
    assert notified_addresses() == []


def test_the_notice_names_the_practice_and_no_client(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    change_address(ana, "jordan@new.example")
    mail, written = (
        OutgoingEmail.objects.get(kind=notices.ADDRESS_REMOVED),
        letter(notices.ADDRESS_REMOVED),
    )
    for part in (mail.to_name, written.subject, written.text, written.html):
        for secret in ("Ana", "Abreu", "jordan", "new.example"):
            assert secret not in part
    assert "Alder Street Therapy" in written.subject
    assert "On Nov 23 at 12:20 PM EST, Alder Street Therapy removed this address" in written.text
    assert "can no longer be used to sign in" in written.text


def test_the_notice_says_that_another_client_still_signs_in(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    sign_in_by_link(bruno)
    cast.with_access(bea)
    change_address(bea, "bea@new.example")
    text = letter(notices.ADDRESS_REMOVED).text
    assert "The others haven’t changed." in text
    assert "no longer" not in text


def test_the_removal_notice_is_dropped_if_chosen_again(practice: Practice) -> None:
    ana = cast.ana(practice)
    sign_in_by_link(ana)
    entry = cast.entry_for(ana)
    access_grants.save_access(ana, replace(entry, address=None), version=None, by=cast.DESK)
    access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    assert AddressRemovedMail().refuse(OutgoingEmail.objects.get(kind=notices.ADDRESS_REMOVED)) is not None


def pin_was_used(person: Client) -> OutgoingEmail:
    sign_in_by_link(person)
    assert typed(person.practice, given(person)) is not None
    return OutgoingEmail.objects.get(kind=notices.PIN_USED)


def test_the_pin_notice_names_time_and_browser(practice: Practice) -> None:
    mail = pin_was_used(cast.ana(practice))
    assert (mail.to_address, mail.subject) == ("ana@mail.example", "A PIN was used to sign in")
    text = letter(notices.PIN_USED).text
    assert "On Nov 23 at 12:20 PM EST, someone signed in" in text
    assert "with a PIN, from Safari on iPhone." in text


def test_the_pin_notice_uses_the_clients_language(practice: Practice) -> None:
    ana = cast.client(practice, "Ana", "Abreu", address="ana@mail.example", language="es")
    # Only a client known to be an adult is greeted by name.
    Client.objects.filter(pk=ana.pk).update(date_of_birth=date(1989, 4, 2))
    mail = pin_was_used(ana)
    assert mail.subject == "Se usó un PIN para iniciar sesión"
    assert "Hola, Ana:" in letter(notices.PIN_USED).text


@pytest.mark.parametrize("change", ["consent", "address"])
def test_the_pin_notice_is_dropped_once_not_allowed(practice: Practice, change: str) -> None:
    ana = cast.ana(practice)
    mail = pin_was_used(ana)
    assert PinUsedMail().refuse(mail) is None
    if change == "consent":
        change_address(ana, "ana@mail.example", email_ok=False)
    else:
        change_address(ana, "ana@new.example")
    assert PinUsedMail().refuse(mail)
