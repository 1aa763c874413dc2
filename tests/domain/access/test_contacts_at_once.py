"""Changing a relationship while it is used: no access outlives its end, and no client keeps the contact's old name."""

from threading import Event

import pytest
from django.db import transaction

from portico.domain.access import access_grants, access_locks, access_lookups, contact_changes
from portico.domain.access.models import PortalAccess, PortalAccount, SignInMethod
from portico.domain.access.sign_in import completing_sign_in, link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details, contacts, search_terms
from portico.domain.clients.client_input import ContactInput
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.domain.access.test_contact_access import invited
from tests.support.at_once import at_once, errors, second_waits, wait_until_another_waits

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

VISITOR = Browser("Firefox", "a browser")


@pytest.fixture
def bruno() -> Relationship:
    return cast.guardian(cast.client(cast.alder(), "Ana", "Abreu"))


def is_open_after_its_end() -> bool:
    return PortalAccess.objects.filter(enabled_at__isnull=False, relationship__ended_at__isnull=False).exists()


def test_a_grant_during_the_end_is_refused(bruno: Relationship) -> None:
    is_held = Event()

    def end_slowly() -> None:
        with access_locks.lock_access(bruno.client, bruno) as (_row, access):
            is_held.set()
            wait_until_another_waits()
            assert access.relationship is not None
            contacts.end(access.relationship, by=cast.DESK)

    def grant() -> None:
        assert is_held.wait(30)
        cast.with_contact_access(bruno)

    assert errors(at_once(end_slowly, grant)) == [RelationshipEnded]
    assert not is_open_after_its_end()


def test_without_the_lock_a_grant_outlives_the_end(bruno: Relationship) -> None:
    """Shows that a relationship that was read before the lock lets the access be turned on."""
    entry, is_read, is_ended = cast.entry_for_contact(bruno), Event(), Event()

    def grant_without_the_lock() -> None:
        stale = Relationship.objects.select_related("contact", "client__practice").get(pk=bruno.pk)
        is_read.set()
        assert is_ended.wait(30)
        with transaction.atomic():
            access_grants.apply(access_lookups.new_access(stale.client, stale), entry, by=cast.DESK)

    def end() -> None:
        assert is_read.wait(30)
        contact_changes.end(bruno, by=cast.DESK)
        is_ended.set()

    assert errors(at_once(grant_without_the_lock, end)) == []
    assert is_open_after_its_end()


def test_a_link_used_during_the_end_signs_nobody_in(bruno: Relationship) -> None:
    token, is_held = cast.token_of(invited(bruno)), Event()

    def end_slowly() -> None:
        with access_locks.lock_access(bruno.client, bruno) as (_row, access):
            is_held.set()
            wait_until_another_waits()
            access_grants.turn_off(access, by=cast.DESK)
            assert access.relationship is not None
            contacts.end(access.relationship, by=cast.DESK)

    def redeem() -> None:
        assert is_held.wait(30)
        link_redemption.redeem(bruno.client.practice, token, visitor=VISITOR)

    assert errors(at_once(end_slowly, redeem)) == []
    assert not signed_in(bruno.client)


def test_without_the_accounts_lock_a_sign_in_is_recorded(bruno: Relationship) -> None:
    """Shows that a session started with the account as it was before the end is recorded after it."""
    account = cast.with_contact_access(bruno).account
    assert account is not None
    is_started, is_ended = Event(), Event()

    def sign_in_without_the_lock() -> None:
        with transaction.atomic():
            stale = PortalAccount.objects.get(pk=account.pk)
            completing_sign_in.complete(
                bruno.client.practice,
                stale,
                method=SignInMethod.LINK,
                proof_epoch=stale.epoch,
                visitor=VISITOR,
            )
            is_started.set()
            assert is_ended.wait(30)

    def end_without_the_lock() -> None:
        assert is_started.wait(30)
        Relationship.objects.filter(pk=bruno.pk).update(ended_at=bruno.created_at)
        PortalAccess.objects.filter(relationship=bruno).exclude(enabled_at=None)
        is_ended.set()

    assert errors(at_once(sign_in_without_the_lock, end_without_the_lock)) == []
    assert signed_in(bruno.client)


def signed_in(person: Client) -> bool:
    return AuditEntry.objects.filter(client=person, action=AuditAction.CLIENT_SIGNED_IN).exists()


def renamed(bruno: Relationship) -> Relationship:
    entry = ContactInput("Bogdan", bruno.kind, "Berg", "en", None, (), ())
    return contact_changes.save_contact(bruno, entry, version=bruno.contact.version, by=cast.DESK)


def test_a_client_linked_while_the_contact_is_renamed_is_found_by_the_new_name(bruno: Relationship) -> None:
    ben = cast.client(bruno.client.practice, "Ben")

    def link() -> Relationship:
        return contacts.link(ben, bruno.contact, bruno.kind, by=cast.DESK)

    assert errors(second_waits(lambda: renamed(bruno), link)) == []
    assert ben in search_terms.matching(ben.practice, "bogdan")


def test_without_the_contacts_lock_it_is_not_found(bruno: Relationship) -> None:
    """Shows that a client who is linked before the new name is committed keeps the old one as a search term."""
    ben, is_renamed, is_linked = cast.client(bruno.client.practice, "Ben"), Event(), Event()

    def rename_slowly() -> None:
        with transaction.atomic():
            renamed(bruno)
            is_renamed.set()
            assert is_linked.wait(30)

    def link_without_the_lock() -> None:
        assert is_renamed.wait(30)
        with transaction.atomic():
            row = client_details.lock(ben)
            Relationship.objects.create(
                practice=row.practice, client=row, contact=bruno.contact, kind=bruno.kind, began_on=bruno.began_on
            )
            search_terms.refresh_terms(row)
        is_linked.set()

    assert errors(at_once(rename_slowly, link_without_the_lock)) == []
    assert ben not in search_terms.matching(ben.practice, "bogdan")
