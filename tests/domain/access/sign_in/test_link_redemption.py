"""A link looked at changes nothing; pressed it signs in once, whoever presses how often."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connection

from portico.domain.access import access_grants
from portico.domain.access.models import PortalAccess, PortalAccount, PortalSession, SignInLink, SignInMethod
from portico.domain.access.sign_in import link_redemption, portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.link_redemption import LinkState, LinkStatus
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind
from tests import cast

pytestmark = pytest.mark.both_databases

PRESSES = 20


def press(practice: Practice, token: str) -> StartedSession | LinkStatus:
    return link_redemption.redeem(practice, token, visitor=Browser("Firefox on Windows", "a browser"))


def test_looking_changes_nothing_however_often(practice: Practice) -> None:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    for _ in range(10):
        assert link_redemption.find(practice, token).state == LinkState.LIVE
    link = SignInLink.objects.get()
    assert (link.used_at, link.fetched_at) == (None, None)


def test_the_first_fetch_is_one_event_and_spends_nothing(practice: Practice) -> None:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    for _ in range(10):
        link_redemption.record_fetch(SignInLink.objects.get())
    assert EmailEvent.objects.filter(kind=EmailEventKind.FETCHED).count() == 1
    assert link_redemption.find(practice, token).state == LinkState.LIVE


def test_pressing_signs_in_and_tells_everybody_who_asks(practice: Practice) -> None:
    ana = cast.ana(practice)
    begun = press(practice, cast.token_of(cast.invited(ana)))
    assert isinstance(begun, StartedSession)
    assert [access.client for access in portal_sessions.accesses_of(begun.session)] == [ana]
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN
    assert ana.last_signed_in_at == clock.now()
    said = AuditEntry.objects.get(verb=AuditAction.CLIENT_SIGNED_IN)
    assert (said.client, said.actor_kind, said.actor_name) == (ana, "client", "Ana Abreu")
    assert EmailEvent.objects.filter(kind=EmailEventKind.PRESSED).count() == 1


def test_a_second_press_is_told_that_the_link_was_used(practice: Practice) -> None:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    press(practice, token)
    again = press(practice, token)
    assert isinstance(again, LinkStatus)
    assert again.state == LinkState.USED
    assert PortalSession.objects.count() == 1
    assert AuditEntry.objects.get(verb=AuditAction.LINK_REFUSED).details == {"state": "used"}


def test_spending_one_link_voids_all_of_the_mailbox(practice: Practice) -> None:
    ana = cast.ana(practice)
    first, second = (cast.token_of(cast.invited(ana)) for _ in range(2))
    assert isinstance(press(practice, second), StartedSession)
    other = press(practice, first)
    assert isinstance(other, LinkStatus)
    assert other.state == LinkState.EXPIRED


def test_a_link_of_another_practice_is_unknown_here_and_not_spent(practice: Practice) -> None:
    birch = cast.birch()
    token = cast.token_of(cast.invited(cast.dora(birch)))
    seen = press(practice, token)
    assert isinstance(seen, LinkStatus)
    assert (seen.state, seen.link) == (LinkState.UNKNOWN, None)
    assert isinstance(press(birch, token), StartedSession)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\udcff", "a" * 50_000, "{{7*7}}"])
def test_a_token_that_never_was_is_unknown(practice: Practice, token: str) -> None:
    seen = press(practice, token)
    assert isinstance(seen, LinkStatus)
    assert seen.state == LinkState.UNKNOWN


def test_one_mailbox_opens_each_of_its_clients_and_no_others(practice: Practice) -> None:
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    cast.with_access(bruno)
    cast.with_access(carol)
    begun = press(practice, cast.token_of(cast.invited(bea)))
    assert isinstance(begun, StartedSession)
    assert {access.client for access in portal_sessions.accesses_of(begun.session)} == {bruno, bea}
    bruno.refresh_from_db()
    carol.refresh_from_db()
    assert bruno.portal_state == PortalState.SIGNED_IN
    assert carol.portal_state == PortalState.NEEDS_ATTENTION


def test_signing_in_takes_back_that_the_mail_was_refused(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    token = cast.token_of(invitation)
    PortalAccess.objects.filter(client=ana).update(mail_stopped_at=clock.now())
    press(practice, token)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN


def test_a_link_is_dead_from_the_moment_access_goes_off(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    assert isinstance(press(practice, token), LinkStatus)
    assert not PortalSession.objects.exists()


def at_once(work: Callable[[], object]) -> list[object]:
    """The same from many threads, each with a connection of its own, let go together."""
    gate = Barrier(PRESSES)

    def one(_number: int) -> object:
        try:
            gate.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(PRESSES) as pool:
        return list(pool.map(one, range(PRESSES)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_give_one_session() -> None:
    practice = cast.alder()
    token = cast.token_of(cast.invited(cast.ana(practice)))
    outcomes = at_once(lambda: press(practice, token))
    assert sum(isinstance(outcome, StartedSession) for outcome in outcomes) == 1
    assert PortalSession.objects.count() == 1
    assert EmailEvent.objects.filter(kind=EmailEventKind.PRESSED).count() == 1
    refused = [outcome.state for outcome in outcomes if isinstance(outcome, LinkStatus)]
    assert refused == [LinkState.USED] * (PRESSES - 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_the_same_presses_spend_the_link_more_than_once() -> None:
    """The twin: shows that the race above really happens when one finds first and marks afterwards."""
    practice = cast.alder()
    token = cast.token_of(cast.invited(cast.ana(practice)))
    found = Barrier(PRESSES)

    def find_then_mark() -> bool:
        seen = link_redemption.find(practice, token)
        connection.close()  # The pool has fewer connections than there are threads; nobody waits holding one.
        found.wait(30)
        if seen.link is None or seen.state is not LinkState.LIVE:
            return False
        seen.link.used_at = clock.now()
        seen.link.save(update_fields=["used_at"])
        portal_sessions.start(PortalAccount.objects.get(), method=SignInMethod.LINK, proof_epoch=1, browser="Firefox")
        return True

    assert sum(bool(spent) for spent in at_once(find_then_mark)) > 1
    assert PortalSession.objects.count() > 1
