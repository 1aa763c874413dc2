"""Access grants: turning access on and off, choosing the address, setting options; repeated, refused, at conflicts."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, access_lookups, client_changes, portal_states
from portico.domain.access.access_grants import AccessInput, AddressNotFound
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast

# Statements, with the two around the transaction: the first time, when a mailbox and an access are new; again; and a
# save that changes nothing.
FIRST_TIME, AGAIN, UNCHANGED = 8, 9, 5
OFF = AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False)


def verbs_of(person: Client) -> list[str]:
    return list(AuditEntry.objects.filter(client=person).order_by("id").values_list("action", flat=True))


def test_turning_access_on_is_recorded_with_its_actor(practice: Practice) -> None:
    ana, by = cast.ana(practice), cast.fay(practice).actor
    access = access_grants.save_access(ana, cast.entry_for(ana), version=None, by=by)
    assert access.is_on
    assert access.enabled_by == "Fay"
    assert access.account is not None
    assert access.account.mailbox_key == "ana@mail.example"
    said = AuditEntry.objects.filter(client=ana, action=AuditAction.ACCESS_TURNED_ON).get()
    assert (said.actor_name, said.staff_id) == ("Fay", by.staff_id)
    assert AuditAction.ADDRESS_CHOSEN in verbs_of(ana)


def test_saving_again_without_a_change_changes_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    before = cast.with_access(ana)
    said = verbs_of(ana)
    again = access_grants.save_access(ana, cast.entry_for(ana), version=before.version, by=cast.DESK)
    assert (again.version, again.changed_epoch, again.enabled_at) == (
        before.version,
        before.changed_epoch,
        before.enabled_at,
    )
    assert verbs_of(ana) == said


def test_submitting_save_access_twice_is_no_conflict(practice: Practice) -> None:
    ana = cast.ana(practice)
    seen = access_grants.save_access(ana, OFF, version=None, by=cast.DESK).version
    first = access_grants.save_access(ana, cast.entry_for(ana), version=seen, by=cast.DESK)
    second = access_grants.save_access(ana, cast.entry_for(ana), version=seen, by=cast.DESK)
    assert second.version == first.version


def test_the_second_of_two_colleagues_gets_a_conflict(practice: Practice) -> None:
    ana = cast.ana(practice)
    seen = cast.with_access(ana).version
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=seen, by=cast.DESK)
    with pytest.raises(ClientConflict):
        access_grants.save_access(
            ana, replace(cast.entry_for(ana), access_billing_documents=False), version=seen, by=cast.DESK
        )
    access = PortalAccess.objects.get(client=ana)
    assert not access.is_on
    assert access.access_billing_documents


def test_turning_access_off_keeps_the_address(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    access = access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    assert not access.is_on
    assert access.address is not None
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.NO_ACCESS
    assert verbs_of(ana)[-1] == AuditAction.ACCESS_TURNED_OFF


def test_an_address_of_another_client_cannot_be_chosen(practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    theirs = carol.email_addresses.get().ref
    with pytest.raises(AddressNotFound) as refused:
        access_grants.save_access(ana, replace(cast.entry_for(ana), address=theirs), version=None, by=cast.DESK)
    assert refused.value.field == "address"
    assert not PortalAccess.objects.filter(client=ana, enabled_at__isnull=False).exists()


def test_a_closed_address_cannot_be_chosen(practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = cast.entry_for(ana)
    ana.email_addresses.update(closed_at=clock.now())
    with pytest.raises(AddressNotFound):
        access_grants.save_access(ana, entry, version=None, by=cast.DESK)


def test_access_of_an_archived_client_cannot_be_turned_on(practice: Practice) -> None:
    ana = cast.ana(practice)
    client_changes.archive(ana, by=cast.DESK)
    with pytest.raises(ClientArchived):
        access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.NO_ACCESS


def test_access_without_an_address_is_on_and_needs_attention(practice: Practice) -> None:
    client = cast.client(practice, "Nora")
    access_grants.save_access(client, cast.entry_for(client), version=None, by=cast.DESK)
    client.refresh_from_db()
    assert (client.portal_state, client.portal_reason) == (PortalState.NEEDS_ATTENTION, portal_states.Reason.NO_ADDRESS)


def test_two_clients_with_one_mailbox_share_the_account_and_keep_their_own_access(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    cast.with_access(bea)
    assert PortalAccount.objects.count() == 1
    access_grants.save_access(bea, replace(cast.entry_for(bea), enabled=False), version=None, by=cast.DESK)
    assert PortalAccess.objects.get(client=bruno).is_on


def test_the_same_mailbox_at_two_practices_is_two_accounts(practice: Practice) -> None:
    here = cast.ana(practice)
    there = cast.client(cast.birch(), "Ana", "Abreu", address="ana@mail.example")
    assert cast.with_access(here).account_id != cast.with_access(there).account_id


def test_changed_options_are_recorded_and_revoke_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    before = cast.with_access(ana)
    entry = replace(cast.entry_for(ana), access_billing_documents=False)
    after = access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    assert after.changed_epoch == before.changed_epoch
    said = AuditEntry.objects.get(client=ana, action=AuditAction.OPTIONS_CHANGED)
    assert said.details == {"access_billing_documents": False, "pay_by_card": False, "signs_documents": True}


def test_another_address_resets_the_sign_in_times(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    PortalAccess.objects.filter(client=ana).update(first_signed_in_at=clock.now(), last_signed_in_at=clock.now())
    access = access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    assert access.had_signed_in_before
    assert (access.invited_at, access.first_signed_in_at, access.account) == (None, None, None)


def test_saving_keeps_the_time_since_when_access_is_on(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    since = cast.with_access(ana).enabled_at
    stopped_clock.shift(timedelta(days=3))
    entry = replace(cast.entry_for(ana), access_billing_documents=False)
    assert access_grants.save_access(ana, entry, version=None, by=cast.DESK).enabled_at == since


def test_turning_access_on_takes_few_queries(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    entry = cast.entry_for(ana)
    with django_assert_num_queries(FIRST_TIME):
        access_grants.save_access(ana, entry, version=None, by=cast.DESK, is_first=True)
    access_grants.save_access(ana, replace(entry, enabled=False), version=None, by=cast.DESK)
    with django_assert_num_queries(AGAIN):
        access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    with django_assert_num_queries(UNCHANGED):
        access_grants.save_access(ana, entry, version=None, by=cast.DESK)


def test_a_first_save_finds_an_access_saved_meanwhile(practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = cast.entry_for(ana)
    saved = access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    same = access_grants.save_access(ana, entry, version=1, by=cast.DESK, is_first=True)
    assert (same.pk, same.version) == (saved.pk, saved.version)
    with pytest.raises(ClientConflict):
        access_grants.save_access(ana, replace(entry, pay_by_card=True), version=1, by=cast.DESK, is_first=True)
    access_grants.save_access(ana, replace(entry, enabled=False), version=None, by=cast.DESK, is_first=True)
    assert not PortalAccess.objects.get(client=ana).is_on


def test_address_and_switch_together_take_one_epoch(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    access = cast.with_access(bea)
    account = PortalAccount.objects.get()
    assert access.changed_epoch == account.epoch
    assert access.changed_epoch == PortalAccess.objects.get(client=bruno).changed_epoch + 1


def test_saving_off_before_anything_was_saved_writes_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    said = verbs_of(ana)
    access_grants.save_access(ana, OFF, version=None, by=cast.DESK)
    assert access_lookups.access_of(ana) is None
    assert verbs_of(ana) == said
