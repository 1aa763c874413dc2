"""Changes of addresses, consent and archiving update portal access in the same transaction."""

from dataclasses import replace

import pytest

from portico.domain.access import access_grants, client_changes, portal_states
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import link_redemption, portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.link_redemption import LinkState
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client, PortalState, Status
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast


def info(person: Client, *addresses: AddressInput) -> ClientInput:
    """Returns the current `Client Info` with these addresses."""
    return ClientInput(ClientDetails(person.first_name, person.last_name), addresses=addresses)


def present(person: Client, *, email_ok: bool = True) -> AddressInput:
    row = person.email_addresses.open().get()
    return AddressInput(row.address, row.kind, email_ok, ref=row.ref)


def save(person: Client, *addresses: AddressInput) -> client_changes.ClientChange:
    person.refresh_from_db()
    return client_changes.save_client_info(person, info(person, *addresses), version=person.version, by=cast.DESK)


def state_of_link(practice: Practice, token: str) -> LinkState:
    return link_redemption.find(practice, token).state


def test_a_changed_address_is_chosen_at_once_and_nothing_is_mailed(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    saved = save(ana, replace(present(ana), address="ana@new.example"))
    access = PortalAccess.objects.select_related("address").get(client=ana)
    assert saved.portal_address_replaced
    assert access.address is not None
    assert access.address.address == "ana@new.example"
    assert state_of_link(practice, token) == LinkState.EXPIRED
    assert OutgoingEmail.objects.count() == 1
    ana.refresh_from_db()
    assert (ana.portal_state, ana.portal_reason) == (PortalState.NEEDS_ATTENTION, portal_states.Reason.NOT_INVITED)


def test_the_old_address_is_closed_and_kept(practice: Practice) -> None:
    ana = cast.ana(practice)
    save(ana, replace(present(ana), address="ana@new.example"))
    old, new = ana.email_addresses.order_by("id")
    assert (old.address, old.closed_at is None) == ("ana@mail.example", False)
    assert (new.address, new.closed_at) == ("ana@new.example", None)


def test_removing_the_portals_address_leaves_access_on_without_one(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    saved = save(ana)
    access = PortalAccess.objects.get(client=ana)
    assert saved.portal_address_removed
    assert access.is_on
    assert access.address_id is None
    assert state_of_link(practice, token) == LinkState.EXPIRED
    ana.refresh_from_db()
    assert ana.portal_reason == portal_states.Reason.NO_ADDRESS


def test_another_address_that_changes_leaves_the_portal_alone(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    save(ana, present(ana), AddressInput("ana@work.example", "work", email_ok=False))
    assert state_of_link(practice, token) == LinkState.LIVE


def test_consent_changes_the_state_at_once(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    for email_ok, state in ((False, PortalState.NEEDS_ATTENTION), (True, PortalState.INVITED)):
        save(ana, present(ana, email_ok=email_ok))
        assert Client.objects.get().portal_state == state
        assert list(portal_states.mismatches()) == []


def test_consent_given_again_revives_no_link(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    save(ana, present(ana, email_ok=False))
    assert state_of_link(practice, token) == LinkState.EXPIRED
    access = PortalAccess.objects.get(client=ana)
    assert access.is_on
    assert access.address_id is not None
    save(ana, present(ana))
    assert state_of_link(practice, token) == LinkState.EXPIRED
    assert cast.token_of(cast.invited(ana)) != token


def test_saving_without_a_change_ends_nothing(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    before = PortalAccess.objects.get(client=ana)
    save(ana, present(ana))
    assert state_of_link(practice, token) == LinkState.LIVE
    assert PortalAccess.objects.get(client=ana).version == before.version


def test_consent_is_separate_for_clients_of_one_mailbox(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.invited(bruno)
    token = cast.token_of(cast.invited(bea))
    save(bea, present(bea, email_ok=False))
    # The mailbox still opens Bruno, so its link still signs in.
    assert state_of_link(practice, token) == LinkState.LIVE
    begun = link_redemption.redeem(practice, token, visitor=Browser("Firefox", "a browser"))
    assert isinstance(begun, StartedSession)
    from_now = [access.client for access in portal_sessions.accesses_of(begun.session)]
    assert from_now == [bruno]


def test_archiving_turns_access_off_and_restoring_does_not_turn_it_on(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    client_changes.archive(ana, by=cast.DESK)
    assert not PortalAccess.objects.get(client=ana).is_on
    assert Client.objects.get().portal_state == PortalState.NO_ACCESS
    assert state_of_link(practice, token) == LinkState.EXPIRED
    restored = client_changes.restore(ana, by=cast.DESK)
    assert restored.status == Status.ACTIVE
    assert not PortalAccess.objects.get(client=ana).is_on
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    assert state_of_link(practice, token) == LinkState.EXPIRED


def test_archiving_and_restoring_twice_change_nothing_the_second_time(practice: Practice) -> None:
    ana = cast.ana(practice)
    for operation, action in (
        (client_changes.archive, AuditAction.CLIENT_ARCHIVED),
        (client_changes.restore, AuditAction.CLIENT_RESTORED),
    ):
        operation(ana, by=cast.DESK)
        operation(ana, by=cast.DESK)
        assert AuditEntry.objects.filter(client=ana, action=action).count() == 1


def test_inactive_changes_nothing_in_the_portal(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    ana.refresh_from_db()
    entry = info(ana, present(ana))
    entry = replace(entry, details=replace(entry.details, status=Status.INACTIVE))
    client_changes.save_client_info(ana, entry, version=ana.version, by=cast.DESK)
    assert state_of_link(practice, token) == LinkState.LIVE


def test_an_archived_client_is_not_edited(practice: Practice) -> None:
    ana = cast.ana(practice)
    client_changes.archive(ana, by=cast.DESK)
    with pytest.raises(ClientArchived):
        save(ana, present(ana))


def test_a_save_from_an_outdated_page_changes_no_address(practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = info(ana, replace(present(ana), address="ana@new.example"))
    with pytest.raises(ClientConflict):
        client_changes.save_client_info(ana, entry, version=ana.version + 1, by=cast.DESK)
    assert ana.email_addresses.open().get().address == "ana@mail.example"
