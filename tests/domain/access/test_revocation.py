"""Revocation ends everything of one client and nothing of the mailbox's other clients."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from portico.domain.access import access_grants, access_lookups, client_changes, revocation
from portico.domain.access.models import PortalSession
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.sign_in import link_redemption, portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

VISITOR = Browser("Firefox on Windows", "a browser")
pytestmark = pytest.mark.django_db


def signed_in(person: Client) -> PortalSession:
    begun = link_redemption.redeem(person.practice, cast.token_of(cast.invited(person)), visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    return begun.session


def seen(person: Client) -> list[PortalSession]:
    return revocation.sessions_of(access_lookups.access_of(person))


def test_revoking_a_client_leaves_others_of_the_mailbox(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    session = signed_in(bruno)
    revocation.revoke_all(bea, by=cast.DESK)
    assert [access.client for access in portal_sessions.accesses_of(session)] == [bruno]


def test_a_session_that_shows_no_client_is_ended(practice: Practice) -> None:
    ana = cast.ana(practice)
    session = signed_in(ana)
    revocation.revoke_all(ana, by=cast.DESK)
    session.refresh_from_db()
    assert (session.ended_at is not None, session.ended_by) == (True, cast.DESK.name)


def test_a_client_without_an_address_has_nothing_to_revoke(practice: Practice) -> None:
    casey = cast.client(practice, "Casey")
    revocation.revoke_all(casey, by=cast.DESK)
    assert not AuditEntry.objects.filter(action=AuditAction.EVERYTHING_ENDED).exists()


def test_only_sessions_that_show_the_client_are_listed(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    before = signed_in(bruno)
    cast.with_access(bea)
    assert (seen(bruno), seen(bea)) == ([before], [])
    after = signed_in(bruno)
    assert (seen(bruno), seen(bea)) == ([after, before], [after])
    for person in (bruno, bea):
        assert {each.pk for each in seen(person)} == {
            each.pk
            for each in PortalSession.objects.all()
            if portal_sessions.accesses_of(each).filter(client=person).exists()
        }


def switched(person: Client, *, on: bool) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=on), version=None, by=cast.DESK)


def consent(person: Client, *, given: bool) -> None:
    person.refresh_from_db()
    row = person.email_addresses.open().get()
    details = ClientDetails(person.first_name, person.last_name)
    entry = ClientInput(details, addresses=(AddressInput(row.address, row.kind, given, ref=row.ref),))
    client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def off_and_on(person: Client) -> None:
    for on in (False, True):
        switched(person, on=on)


def withdrawn_and_given_again(person: Client) -> None:
    for given in (False, True):
        consent(person, given=given)


def left_and_came_back(person: Client) -> None:
    entry = cast.entry_for(person)
    access_grants.save_access(person, replace(entry, address=None), version=None, by=cast.DESK)
    access_grants.save_access(person, entry, version=None, by=cast.DESK)


@pytest.mark.parametrize(
    "change",
    [
        lambda bea: revocation.revoke_all(bea, by=cast.DESK),
        off_and_on,
        withdrawn_and_given_again,
        left_and_came_back,
    ],
    ids=["ended", "off and on", "consent", "another address"],
)
def test_a_link_that_still_opens_one_child_revives_nothing_of_the_other(
    practice: Practice, change: Callable[[Client], object]
) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    link = cast.token_of(cast.invited(bruno))
    change(bea)
    begun = link_redemption.redeem(practice, link, visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    assert [access.client for access in portal_sessions.accesses_of(begun.session)] == [bruno]
    # A link written after the change opens both.
    assert {access.client for access in portal_sessions.accesses_of(signed_in(bruno))} == {bruno, bea}


def test_an_older_link_opens_a_client_turned_on_later(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    link = cast.token_of(cast.invited(bruno))
    cast.with_access(bea)
    begun = link_redemption.redeem(practice, link, visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    assert {access.client for access in portal_sessions.accesses_of(begun.session)} == {bruno, bea}


def test_old_epochs_do_not_affect_a_new_mailbox(practice: Practice) -> None:
    ana = cast.ana(practice)
    for _ in range(3):
        switched(ana, on=True)
        consent(ana, given=False)
        consent(ana, given=True)
        switched(ana, on=False)
    switched(ana, on=True)
    consent(ana, given=False)
    ana.refresh_from_db()
    row = ana.email_addresses.open().get()
    entry = ClientInput(
        ClientDetails(ana.first_name, ana.last_name),
        addresses=(AddressInput("ana@new.example", "home", email_ok=True, ref=row.ref),),
    )
    client_changes.save_client_info(ana, entry, version=ana.version, by=cast.DESK)
    text = invitation_text.default_text("en")
    new = replace(cast.entry_for(ana), address=ana.email_addresses.open().get().ref)
    sent = invitations.send(ana, new, text, form_key="k" * 43, version=None, by=cast.DESK)
    begun = link_redemption.redeem(practice, cast.token_of(sent.invitation), visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    assert seen(ana) == [begun.session]
