"""Portal sessions: bound to the account's epochs, five at most, ended by the client, by staff or by time."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings

from portico.domain.access import access_grants, client_changes, holders
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.access.sign_in import link_redemption, portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry
from tests import cast

VISITOR = Browser("Firefox on Windows", "a browser")


def signed_in(person: Client) -> StartedSession:
    begun = link_redemption.redeem(person.practice, cast.token_of(cast.invited(person)), visitor=VISITOR)
    assert isinstance(begun, StartedSession)
    return begun


def opened(begun: StartedSession) -> list[Client]:
    return [access.client for access in portal_sessions.accesses_of(begun.session)]


def test_the_key_is_stored_only_as_its_hash(practice: Practice) -> None:
    begun = signed_in(cast.ana(practice))
    row = PortalSession.objects.get()
    assert row.key_hash == tokens.digest(begun.key)
    assert begun.key not in str(row.__dict__)


def test_a_cookie_finds_its_session_at_its_practice_alone(practice: Practice) -> None:
    begun = signed_in(cast.ana(practice))
    assert portal_sessions.find(practice, begun.key) == begun.session
    assert portal_sessions.find(cast.birch(), begun.key) is None
    assert portal_sessions.find(practice, begun.key + "x") is None


def test_the_sixth_session_ends_the_oldest(practice: Practice) -> None:
    ana = cast.ana(practice)
    begun = [signed_in(ana) for _ in range(6)]
    alive = [portal_sessions.find(practice, each.key) is not None for each in begun]
    assert alive == [False, *[True] * 5]


def test_another_mailboxs_sessions_are_not_counted(practice: Practice) -> None:
    first = signed_in(cast.carol(practice))
    ana = cast.ana(practice)
    for _ in range(6):
        signed_in(ana)
    assert portal_sessions.find(practice, first.key) is not None


def test_an_idle_session_times_out(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    begun = signed_in(cast.ana(practice))
    stopped_clock.shift(timedelta(seconds=settings.SESSION_IDLE_CLIENT - 1))
    assert portal_sessions.find(practice, begun.key) is not None
    stopped_clock.shift(timedelta(seconds=1))
    assert portal_sessions.find(practice, begun.key) is None


def test_a_used_session_lasts_until_its_maximum_age(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    begun = signed_in(cast.ana(practice))
    step = timedelta(seconds=settings.SESSION_IDLE_CLIENT / 2)
    for _ in range(int(settings.SESSION_MAX_CLIENT / step.total_seconds()) - 1):
        stopped_clock.shift(step)
        session = portal_sessions.find(practice, begun.key)
        assert session is not None
        portal_sessions.touch(session, every=60)
    stopped_clock.shift(step)
    assert portal_sessions.find(practice, begun.key) is None


def test_touching_writes_only_now_and_then(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    session = signed_in(cast.ana(practice)).session
    seen = session.seen_at
    stopped_clock.shift(timedelta(seconds=30))
    portal_sessions.touch(session, every=60)
    session.refresh_from_db()
    assert session.seen_at == seen


@pytest.mark.parametrize("change", ["access_off", "archived", "consent", "address"])
def test_a_session_opens_nothing_after_a_change(practice: Practice, change: str) -> None:
    ana = cast.ana(practice)
    begun = signed_in(ana)
    assert opened(begun) == [ana]
    match change:
        case "access_off":
            access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
        case "archived":
            client_changes.archive(ana, by=cast.DESK)
        case "consent":
            ana.email_addresses.update(email_ok_at=None)
        case "address":
            access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    assert opened(begun) == []


def test_access_off_and_on_again_revives_no_session(practice: Practice) -> None:
    ana = cast.ana(practice)
    begun = signed_in(ana)
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    access_grants.save_access(ana, cast.entry_for(ana), version=None, by=cast.DESK)
    assert opened(begun) == []


def test_a_client_turned_on_later_needs_a_new_sign_in(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    before = signed_in(bruno)
    cast.with_access(bea)
    assert opened(before) == [bruno]
    assert set(opened(signed_in(bruno))) == {bruno, bea}


def test_one_client_going_off_leaves_the_other_open(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    begun = signed_in(bruno)
    client_changes.archive(bea, by=cast.DESK)
    assert opened(begun) == [bruno]


def test_signing_out_ends_the_session_once_and_says_so_once(practice: Practice) -> None:
    begun = signed_in(cast.ana(practice))
    for _ in range(2):
        portal_sessions.sign_out(begun.session, practice, by=portal_sessions.actor_of(begun.session))
    assert portal_sessions.find(practice, begun.key) is None
    assert AuditEntry.objects.filter(action=AuditAction.CLIENT_SIGNED_OUT).count() == 1


def test_a_client_ends_another_of_their_own_sessions(practice: Practice) -> None:
    ana = cast.ana(practice)
    phone, desk = signed_in(ana), signed_in(ana)
    assert list(portal_sessions.live_sessions(desk.session.account)) == [desk.session, phone.session]
    for _ in range(2):
        portal_sessions.end_by_client(phone.session, practice, seen_by=ana, by=portal_sessions.actor_of(desk.session))
    assert list(portal_sessions.live_sessions(desk.session.account)) == [desk.session]
    assert AuditEntry.objects.get(action=AuditAction.SESSION_ENDED).client == ana


def test_an_actor_is_named_after_the_person_not_the_address(practice: Practice) -> None:
    ana = cast.ana(practice)
    session = signed_in(ana).session
    assert portal_sessions.actor_of(session).name == "Portal account"
    assert holders.actor_for(PortalAccess.objects.get(client=ana)).name == "Ana Abreu"
