"""Opening a link changes nothing; redeeming it signs in once, at any number of attempts."""

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

ATTEMPTS = 20


def redeem(practice: Practice, token: str) -> StartedSession | LinkStatus:
    return link_redemption.redeem(practice, token, visitor=Browser("Firefox on Windows", "a browser"))


def test_opening_a_link_changes_nothing(practice: Practice) -> None:
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


def test_redeeming_a_link_signs_in_and_is_recorded(practice: Practice) -> None:
    ana = cast.ana(practice)
    begun = redeem(practice, cast.token_of(cast.invited(ana)))
    assert isinstance(begun, StartedSession)
    assert [access.client for access in portal_sessions.accesses_of(begun.session)] == [ana]
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN
    assert ana.last_signed_in_at == clock.now()
    said = AuditEntry.objects.get(action=AuditAction.CLIENT_SIGNED_IN)
    assert (said.client, said.actor_kind, said.actor_name) == (ana, "client", "Ana Abreu")
    assert EmailEvent.objects.filter(kind=EmailEventKind.PRESSED).count() == 1


def test_a_second_use_reports_the_link_as_used(practice: Practice) -> None:
    token = cast.token_of(cast.invited(cast.ana(practice)))
    redeem(practice, token)
    again = redeem(practice, token)
    assert isinstance(again, LinkStatus)
    assert again.state == LinkState.USED
    assert PortalSession.objects.count() == 1
    assert AuditEntry.objects.get(action=AuditAction.LINK_REFUSED).details == {"state": "used"}


def test_spending_one_link_voids_all_of_the_mailbox(practice: Practice) -> None:
    ana = cast.ana(practice)
    first, second = (cast.token_of(cast.invited(ana)) for _ in range(2))
    assert isinstance(redeem(practice, second), StartedSession)
    other = redeem(practice, first)
    assert isinstance(other, LinkStatus)
    assert other.state == LinkState.EXPIRED


def test_a_link_of_another_practice_is_unknown_here_and_not_spent(practice: Practice) -> None:
    birch = cast.birch()
    token = cast.token_of(cast.invited(cast.dora(birch)))
    seen = redeem(practice, token)
    assert isinstance(seen, LinkStatus)
    assert (seen.state, seen.link) == (LinkState.UNKNOWN, None)
    assert isinstance(redeem(birch, token), StartedSession)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\udcff", "a" * 50_000, "{{7*7}}"])
def test_a_made_up_token_is_unknown(practice: Practice, token: str) -> None:
    seen = redeem(practice, token)
    assert isinstance(seen, LinkStatus)
    assert seen.state == LinkState.UNKNOWN


def test_one_mailbox_opens_each_of_its_clients_and_no_others(practice: Practice) -> None:
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    cast.with_access(bruno)
    cast.with_access(carol)
    begun = redeem(practice, cast.token_of(cast.invited(bea)))
    assert isinstance(begun, StartedSession)
    assert {access.client for access in portal_sessions.accesses_of(begun.session)} == {bruno, bea}
    bruno.refresh_from_db()
    carol.refresh_from_db()
    assert bruno.portal_state == PortalState.SIGNED_IN
    assert carol.portal_state == PortalState.NEEDS_ATTENTION


def test_signing_in_clears_the_refused_mail(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    token = cast.token_of(invitation)
    PortalAccess.objects.filter(client=ana).update(mail_stopped_at=clock.now())
    redeem(practice, token)
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN


def test_a_link_is_dead_once_access_is_off(practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    assert isinstance(redeem(practice, token), LinkStatus)
    assert not PortalSession.objects.exists()


def at_once(work: Callable[[], object]) -> list[object]:
    """Runs the work in many threads at once, each with its own connection."""
    gate = Barrier(ATTEMPTS)

    def one(_number: int) -> object:
        try:
            gate.wait(30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(ATTEMPTS) as pool:
        return list(pool.map(one, range(ATTEMPTS)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_uses_start_one_session() -> None:
    practice = cast.alder()
    token = cast.token_of(cast.invited(cast.ana(practice)))
    outcomes = at_once(lambda: redeem(practice, token))
    assert sum(isinstance(outcome, StartedSession) for outcome in outcomes) == 1
    assert PortalSession.objects.count() == 1
    assert EmailEvent.objects.filter(kind=EmailEventKind.PRESSED).count() == 1
    refused = [outcome.state for outcome in outcomes if isinstance(outcome, LinkStatus)]
    assert refused == [LinkState.USED] * (ATTEMPTS - 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_a_link_is_spent_repeatedly() -> None:
    """Shows that the race really happens if the link is found first and marked afterwards."""
    practice = cast.alder()
    token = cast.token_of(cast.invited(cast.ana(practice)))
    found = Barrier(ATTEMPTS)

    def find_then_mark() -> bool:
        seen = link_redemption.find(practice, token)
        connection.close()  # The pool is smaller than the number of threads: none may wait while holding one.
        found.wait(30)
        if seen.link is None or seen.state is not LinkState.LIVE:
            return False
        seen.link.used_at = clock.now()
        seen.link.save(update_fields=["used_at"])
        portal_sessions.start(PortalAccount.objects.get(), method=SignInMethod.LINK, proof_epoch=1, browser="Firefox")
        return True

    assert sum(bool(spent) for spent in at_once(find_then_mark)) > 1
    assert PortalSession.objects.count() > 1
